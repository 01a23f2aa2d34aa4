// SQL that makes a database with every kind of object that a backup must bring back.

/** Of the server: roles that own and are granted. */
export const roles = `
create role shop_owner; create role "Röle ""x""" nologin; create role reader login password 'r' valid until '2040-01-01';
grant shop_owner to reader; alter role reader set work_mem = '5MB';`;

export const manyKinds = `
create schema sales authorization shop_owner; create schema "Ünï ""q"" s/c.h=e"; create schema empty;
comment on schema sales is 'it''s for sales; -- not a comment';
create extension pg_trgm; create extension hstore with schema sales;

create type mood as enum ('sad', 'so so', 'hap''py'); create type pair as (a int, b text);
create domain positive as int check (value > 0); create domain code as text collate "C" not null default 'x';
create type period as range (subtype = timestamptz);
create sequence counter as int increment by -3 minvalue -1000 maxvalue 10 start 5 cycle; select nextval('counter') from generate_series(1, 3);
create sequence untouched; select setval('untouched', 42, false);

create function sales.twice(int) returns int language sql immutable as $$ select $1 * 2; -- ; $$;
create function body(a int) returns int language sql begin atomic select case when a > 0 then 1 else 2 end; end;
create procedure act() language plpgsql as $p$ begin perform 1; end $p$;
create aggregate sales.total (int) (sfunc = int4pl, stype = int, initcond = '0');
create operator sales.=== (leftarg = int, rightarg = int, function = int4eq);
create cast (mood as int) with inout as assignment;
create collation de (locale = 'C');
create text search configuration words (copy = simple);

create table customers (
  id int generated always as identity primary key, email text unique not null, feeling mood default 'so so',
  tags text[] default '{}', size positive, code code, address pair, active period, props sales.hstore, doc jsonb, x xml, m money,
  bits varbit, ip inet, at timestamptz default now(), span interval, num numeric, real8 float8, real4 float4, raw bytea, ts tsvector,
  initials text generated always as (substr(email, 1, 1)) stored, constraint sane check (length(email) < 200));
comment on table customers is E'who buys\\nwith two lines'; comment on column customers.email is 'é🐙';
alter table customers add column gone int; alter table customers drop column gone;
insert into customers (email, feeling, tags, size, address, active, props, doc, x, m, bits, ip, at, span, num, real8, real4, raw, ts)
  select 'user' || i || E'\\t\\\\@\\nx' , (array['sad', 'so so', 'hap''py'])[1 + i % 3]::mood, array['a', null, 'b,"c', E'\\\\'], i, row(i, 'x''y')::pair,
    period(timestamptz 'epoch' + i * interval '1 hour', null), sales.hstore('k', i::text), jsonb_build_object('i', i, 'z', null), '<a>1</a>',
    i * 1.5, b'101'::varbit, '10.0.0.1', '2020-02-29 12:00:00.123456+05:30', interval '1 mon -2 days 03:04:05.6', 'NaN', 1e300 / 3, 'Infinity',
    decode(md5(i::text), 'hex'), to_tsvector('simple', 'some words') from generate_series(1, 500) i;
insert into customers (email) values ('nulls'), (''), ('\\.'), ('\\N');

create table orders (id bigserial primary key, customer int references customers, note text, total numeric(12, 2), placed date);
insert into orders (customer, note, total, placed)
  select 1 + i % 500, repeat(md5(i::text), 6), i / 7.0, date '2024-01-01' + i % 700 from generate_series(1, 12000) i;
create index orders_note on orders using gin (note gin_trgm_ops); create index on orders (lower(note)) include (total) where total > 100;
create unique index orders_nulls on orders (id, placed); alter table orders cluster on orders_pkey; alter table orders replica identity using index orders_pkey;
alter table orders add constraint later check (total >= 0) not valid; create statistics order_stats (dependencies) on customer, placed from orders;

create table events (at date not null, what text, primary key (at, what)) partition by range (at);
create table events_2023 partition of events for values from ('2023-01-01') to ('2024-01-01');
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01') partition by list (what);
create table sales.events_2024_a (what text not null, at date not null); alter table events_2024 attach partition sales.events_2024_a for values in ('a', 'b');
create table events_rest partition of events default; create index on events (what);
insert into events select date '2023-06-01' + i * 7, chr(97 + i % 4) from generate_series(0, 100) i where date '2023-06-01' + i * 7 < '2024-01-01' or i % 4 < 2;

create table animals (name text primary key, legs int default 4); create table birds (wings int) inherits (animals);
insert into animals values ('dog', 4); insert into birds values ('owl', 2, 2);
create unlogged table volatile (id int); insert into volatile values (1), (2);
create table nothing (); insert into nothing default values; insert into nothing default values;
create table "Ünï ""q"" s/c.h=e"."Tä ""b"" l/e.x=y" ("Cöl ""q""" int primary key, "select" text, "a.b/c" text);
insert into "Ünï ""q"" s/c.h=e"."Tä ""b"" l/e.x=y" values (1, 'x', 'y'); create index "in dex; x" on "Ünï ""q"" s/c.h=e"."Tä ""b"" l/e.x=y" ("select");
create table only_generated (g int generated always as (1 + 1) stored); insert into only_generated default values;

create view totals as select customer, sum(total) as total from orders group by customer;
create view grouped as select c.id, c.email, count(*) from customers c join orders o on o.customer = c.id group by c.id;
create materialized view top as select * from totals order by total desc limit 10; create unique index on top (customer);
create materialized view sales.top_names as select t.customer, c.email from top t join customers c on c.id = t.customer;
create materialized view unfilled as select 1 as one with no data;
create recursive view steps (n) as values (1) union all select n + 1 from steps where n < 3;

create function audit() returns trigger language plpgsql as $$ begin new.note := coalesce(new.note, 'none'); return new; end $$;
create trigger audited before insert or update on orders for each row execute function audit();
create trigger off after delete on orders for each statement execute function audit(); alter table orders disable trigger off;
create function noted() returns event_trigger language plpgsql as $$ begin null; end $$; create event trigger noting on ddl_command_end execute function noted();
alter event trigger noting enable replica;
create rule no_birds as on delete to birds do instead nothing;
create table secrets (owner text, body text); insert into secrets values ('a', 'b'), ('reader', 'c'); alter table secrets enable row level security;
create policy own on secrets for select to reader using (owner = current_user);
create publication pub for table orders, customers where (id > 10);
create foreign data wrapper nowhere; create server far foreign data wrapper nowhere options (host 'x'); create foreign table elsewhere (id int) server far;

alter table orders owner to shop_owner; alter schema sales owner to shop_owner; grant select, insert on orders to reader; grant update (note) on orders to "Röle ""x""";
grant usage on schema sales to public; revoke all on function sales.twice(int) from public; grant execute on function sales.twice(int) to reader with grant option;
alter default privileges in schema sales grant select on tables to reader; alter default privileges for role shop_owner revoke execute on functions from public;
grant usage on sequence counter to reader;

select lo_from_bytea(50001, convert_to(repeat('large ', 100000), 'UTF8')); select lo_create(50002); select lo_from_bytea(200001, '\\x00ff0a5c');
comment on large object 50001 is 'a big one'; alter large object 50002 owner to shop_owner; grant select on large object 50001 to reader;
alter database shop set datestyle = 'German, DMY'; alter database shop set lc_monetary = 'C'; alter role reader in database shop set search_path = sales, public, '"odd"';
comment on database shop is 'the shop'; grant connect on database shop to reader;`;
