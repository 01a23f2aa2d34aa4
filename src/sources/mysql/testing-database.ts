// SQL that makes a database with every kind of object that a backup must bring back, for the stock client.

/** What both engines know. */
export const manyKinds = `
set sql_mode = '', foreign_key_checks = 0;
create table customers (
  id int unsigned not null auto_increment primary key, email varchar(190) not null, feeling enum('sad', 'so so', 'hap''py') default 'so so',
  tags set('a', 'b', 'c d') , size decimal(20, 6), doc json, born date default '0000-00-00', at timestamp(6) not null default current_timestamp(6),
  seen datetime(3), span time(2), y year, bits bit(13), bits1 bit(1), bits64 bit(64), f float, g float(7, 2), d double, big bigint unsigned, tiny tinyint(1),
  raw varbinary(300), blb longblob, txt mediumtext, initials varchar(3) generated always as (left(email, 3)) virtual,
  shout varchar(190) generated always as (upper(email)) stored, place point, area polygon, coll geometrycollection,
  unique key by_email (email), key by_at (at, size), key prefix (txt(20)), fulltext key words (txt), constraint sane check (char_length(email) < 200)
) engine=InnoDB auto_increment = 700 default charset=utf8mb4 collate=utf8mb4_unicode_ci comment='who buys\\nwith ''two'' lines, (and; brackets)';
insert into customers (email, feeling, tags, size, doc, born, at, seen, span, y, bits, bits1, bits64, f, g, d, big, tiny, raw, blb, txt, place, area, coll)
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 300)
  select concat('user', i, '\\t\\\\@\\nx🐙\\0'), elt(1 + i % 3, 'sad', 'so so', 'hap''py'), elt(1 + i % 4, '', 'a', 'b,c d', 'a,b,c d'), i / 7,
    json_object('i', i, 'z', null, 'quote', '"\\n\\\\', 'é', '🐙'), elt(1 + i % 3, '2024-02-29', '0000-00-00', '2021-00-00'),
    '2020-02-29 12:00:00.123456' + interval i hour, '9999-12-31 23:59:59.999', '-838:59:58.5', 1901 + i % 200, i * 27 % 8192, i % 2,
    18446744073709551615 - i, i * 1.1, i / 3, 1e300 / i, 18446744073709551615 - i, -(i % 2), unhex(left(sha2(i, 256), 32)), unhex(repeat(left(sha2(i, 256), 32), i % 50)),
    repeat(concat('some words ', i, '\\r\\n'), i % 30), point(i, -i), st_geomfromtext('polygon((0 0, 10 0, 10 10, 0 10, 0 0))'),
    st_geomfromtext('geometrycollection(point(1 1), linestring(0 0, 1 1))') from n;
update customers set f = 16777216, d = 0.1 + 0.2 where id % 5 = 0;
insert into customers (email) values ('nulls'), (''), ('\\\\N'), ('\\\\.'), ('NULL');
create table bytes (id int not null primary key, one binary(1), b blob, t text character set latin1);
insert into bytes with recursive n (i) as (select 0 union all select i + 1 from n where i < 255)
  select i, unhex(lpad(hex(i), 2, '0')), unhex(repeat(lpad(hex(i), 2, '0'), 3)), convert(unhex(lpad(hex(i), 2, '0')) using latin1) from n;
create table charsets (id int auto_increment primary key, a varchar(50) character set sjis, b varchar(50) character set gbk, c varchar(50) character set big5,
  d varchar(50) character set ucs2, e varchar(50) character set utf16, f varchar(50) character set utf32, g varchar(50) character set koi8r,
  h varchar(50) character set utf8mb3, i varchar(50) character set cp932, j char(50) character set eucjpms, k enum('я', 'ж') character set cp1251, l varchar(50) character set ascii,
  m text character set utf16le, n varchar(50) character set gb2312);
insert into charsets (a, b, c, d, e, f, g, h, i, j, k, l, m, n) values
  ('ソ表能', '縗運\\\\', '功許', 'жя\\t', 'aé漢', '🐙\\n', 'Привет', 'é漢', '①表', '漢字', 'ж', 'plain', '🐙 z', '中文'), ('', '', '', '', '', '', '', '', '', '', null, '', '', '');
create table orders (id bigint not null auto_increment, customer int unsigned, note text, total decimal(12, 2), placed date not null, parent bigint, primary key (id),
  key (customer), key totals (total desc), constraint buyer foreign key (customer) references customers (id) on delete set null on update cascade,
  constraint orders_parent foreign key (parent) references orders (id));
insert into orders (customer, note, total, placed)
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 900)
  select 700 + i % 300, repeat(left(sha2(i, 256), 32), 6), i / 7.0, '2024-01-01' + interval (i % 700) day from n;
update orders set parent = 1 where id > 890;
create table parts (at date not null, what varchar(10) not null, key (what)) partition by range (year(at))
  (partition p2023 values less than (2024), partition p2024 values less than (2025), partition rest values less than maxvalue);
insert into parts select placed, left(note, 3) from orders limit 200;
create table hashed (id int not null primary key, x int) partition by key (id) partitions 3; insert into hashed values (1, 2), (3, 4), (5, 6);
create table keyless (a int, b varchar(20)); insert into keyless values (1, 'x'), (1, 'x'), (null, null), (2, '');
create table old (id int primary key, t varchar(20)) engine=MyISAM; insert into old values (3, 'c'), (1, 'a'), (2, 'b');
create table fleeting (id int) engine=MEMORY; insert into fleeting values (7);
create table only_generated (g int generated always as (1 + 1) stored); insert into only_generated values (), ();
create table single (s varchar(10)); insert into single values (''), (null), ('x'), ('\\n');
create table zero (id int not null auto_increment primary key, x int); set sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; insert into zero values (0, 1), (5, 2);
create table composite (b varchar(5) character set latin1 collate latin1_bin, a int, c int default 4 invisible, primary key (b, a)); insert into composite (a, b) values (2, 'y'), (1, 'x'), (1, 'Y');
create table \`Tä "b\`\` l/e.x=y
ж\` (\`Cöl "q\`\`\n,\` int primary key, \`select\` text comment 'with \`)\`, and ''quotes''', \`a.b/c\` varchar(50) default 'x,(\\'', unique key \`k,\`\`(\` (\`a.b/c\`(9)));
insert into \`Tä "b\`\` l/e.x=y
ж\` values (1, 'x', 'y');
create table \`${'ÿ'.repeat(64)}\` (\`${'ж'.repeat(64)}\` int); insert into \`${'ÿ'.repeat(64)}\` values (64);
create table empty_one (id int);
create view zz_base as select id, email from customers where id > 1;
create view aa_top as select b.id, count(0) as n from zz_base b join orders o on o.customer = b.id group by b.id;
create algorithm=merge sql security invoker view checked as select id, email from zz_base where email <> '' with cascaded check option;
create view constant as select 'from \`zz_base\`' as x, 1 + 1;
create definer = 'gone'@'nowhere' view by_gone as select 1 as one;
delimiter ;;
create function twice(n int) returns int deterministic no sql comment 'it''s; --' begin return n * 2; end;;
create definer = 'gone'@'nowhere' function orphan() returns int no sql return 1;;
delimiter ;
`;

/** Objects whose making needs others, or that differ between the engines; run after `manyKinds`. */
export const programs = `
create view keyless_ids as select a as id from keyless;
create view calls as select twice(id) as t from keyless_ids;
delimiter ;;
set sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';;
create procedure act(in a int, out b text) begin -- ;; a comment
  declare c int default 0; set b = ';;'; if a > 0 then select 'it\\' into b; end if; end;;
set sql_mode = '';;
set names latin1;;
create function sharp() returns text deterministic return 'caf\\xe9';;
set names utf8mb4;;
create trigger audited before insert on orders for each row begin set new.note = coalesce(new.note, 'none'); end;;
create trigger audited_again before insert on orders for each row set new.note = concat(new.note, '!');;
create trigger first_of_all before insert on orders for each row precedes audited set new.total = new.total;;
create definer = 'gone'@'nowhere' trigger by_gone after delete on keyless for each row set @x = 1;;
create event nightly on schedule every 1 day starts '2030-01-01 00:00:00' on completion preserve disable comment 'x' do begin delete from keyless where a = 1; end;;
set time_zone = '+05:30';;
create event once on schedule at '2037-01-01 00:00:00' do set @y = ';';;
set time_zone = '+00:00';;
delimiter ;
`;

/** What only MariaDB has. */
export const mariadbOnly = `
create sequence numbers start with 5 increment by 3 minvalue 1 maxvalue 100 cycle nocache; select nextval(numbers), nextval(numbers);
create sequence untouched start with 42;
create table numbered (id int not null default nextval(numbers) primary key, u uuid, i6 inet6, i4 inet4, c text compressed);
insert into numbered (u, i6, i4, c) values ('550e8400-e29b-41d4-a716-446655440000', '2001:db8::ff00:42:8329', '10.0.0.1', repeat('z', 1000)), (null, null, null, null);
create table versioned (x int, y int without system versioning) with system versioning; insert into versioned values (1, 1); update versioned set x = 2;
create table aria (id int primary key, t text) engine=Aria; insert into aria values (1, 'x');
create table periods (id int, s date, e date, period for p (s, e), unique (id, p without overlaps)); insert into periods values (1, '2020-01-01', '2021-01-01');
create table ignored (a int, b int, key k (a) ignored);
set check_constraint_checks = 0; create table broken_rule (a int check (a > 0)); insert into broken_rule values (-1); set check_constraint_checks = 1;
set sql_mode = oracle;
delimiter ;;
create package tools as function f return int deterministic; end;;
create package body tools as function f return int deterministic as begin return 4; end; end;;
delimiter ;
set sql_mode = '';
`;

/** What only MySQL has. */
export const mysqlOnly = `
create table functional (a int, b json, v varchar(20) default (uuid()), key f ((a + 1)), key j ((cast(b->'$.x' as unsigned array))), key inv (a) invisible,
  constraint positive check (a > 0) not enforced);
insert into functional values (1, '{"x": [1, 2], "é": "🐙\\\\n"}', 'v'), (-1, null, null);
create table located (id int primary key, p point not null srid 4326, spatial key (p)); insert into located values (1, st_geomfromtext('point(10 20)', 4326));
create table vectors (id int primary key, v vector(3)); insert into vectors values (1, to_vector('[1,2.5,-3]'));
`;
