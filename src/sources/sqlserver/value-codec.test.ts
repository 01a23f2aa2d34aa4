import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { typeSql } from './type-sql.ts';
import { codecOf, type WireValue } from './value-codec.ts';

const type = (base: string, { maxLength = 8, precision = 0, scale = 0 } = {}) => ({
  name: base,
  base,
  maxLength,
  precision,
  scale,
});
const told = (base: string, ...values: WireValue[]): string =>
  codecOf({ name: 'c', type: type(base) }).literal(values);
const selected = (base: string): string => codecOf({ name: 'c]', type: type(base) }).select.join();

test('the name of a type says how long, how exact, and whose it is', () => {
  assert.deepEqual(
    [
      typeSql(type('nvarchar', { maxLength: 100 })),
      typeSql(type('nvarchar', { maxLength: -1 })),
      typeSql(type('varbinary', { maxLength: 16 })),
      typeSql(type('decimal', { precision: 38, scale: 10 })),
      typeSql(type('datetimeoffset', { scale: 3 })),
      typeSql(type('float', { precision: 53 })),
      typeSql({ ...type('varchar', { maxLength: 10 }), schema: 'd]o', name: 'code' }),
      typeSql(type('vector', { maxLength: 20 })),
    ],
    [
      'nvarchar(50)',
      'nvarchar(max)',
      'varbinary(16)',
      'decimal(38,10)',
      'datetimeoffset(3)',
      'float',
      '[d]]o].[code]',
      'vector(3)',
    ],
  );
});

test('what a driver would round is turned into text by the server', () => {
  assert.equal(selected('decimal'), 'CONVERT(varchar(41),[c]]])');
  assert.equal(selected('money'), 'CONVERT(varchar(41),CONVERT(decimal(19,4),[c]]]))');
  assert.equal(selected('datetimeoffset'), 'CONVERT(varchar(40),[c]]],121)');
  assert.equal(selected('datetime'), 'CONVERT(varchar(40),[c]]],126)');
  assert.equal(selected('varchar'), 'CONVERT(nvarchar(max),[c]]])', 'whatever its code page');
  assert.equal(selected('geography'), 'CONVERT(varbinary(max),[c]]])');
  assert.equal(selected('nvarchar'), '[c]]]');
});

test('every type has literals that lose nothing', () => {
  assert.equal(told('bigint', '-9223372036854775808'), '-9223372036854775808');
  assert.deepEqual(
    [told('bit', true), told('bit', false), told('bit', 1), told('bit', null)],
    ['1', '0', '1', 'NULL'],
  );
  assert.equal(
    told('decimal', '-9999999999999999999999999999.1234567890'),
    '-9999999999999999999999999999.1234567890',
  );
  assert.equal(told('float', 0.1), '1.0000000000000001e-1');
  assert.equal(told('real', Math.fround(0.1)), '1.00000001e-1');
  assert.equal(
    told('datetimeoffset', '2020-02-29 12:00:00.1234567 -03:30'),
    "N'2020-02-29 12:00:00.1234567 -03:30'",
  );
  assert.equal(told('varbinary', Buffer.from([0, 255])), '0x00FF');
  assert.equal(told('varbinary', Buffer.alloc(0)), '0x');
  assert.equal(told('hierarchyid', Buffer.from([0x5a, 0xc0])), 'CAST(0x5AC0 AS hierarchyid)');
  assert.equal(told('geography', Buffer.from([0xe6])), 'CAST(0xE6 AS geography)');
});

test('white space between the elements of XML is kept', () => {
  assert.equal(told('xml', '<a>1</a>'), "N'<a>1</a>'");
  assert.equal(told('xml', '<a> <b/></a>'), "CONVERT(xml,N'<a> <b/></a>',1)");
});

test('a variant brings its type, and the collation that says what its letters are', () => {
  assert.equal(told('sql_variant', null, null, null, null, null, null, null), 'NULL');
  assert.equal(told('sql_variant', 'decimal', 5, 2, 5, null, '1.50', null), 'CAST(1.50 AS decimal(5,2))');
  assert.equal(
    told('sql_variant', 'varchar', 0, 0, 10, 'Japanese_CI_AS', '日', null),
    "CAST(N'日' COLLATE Japanese_CI_AS AS varchar(10))",
  );
  assert.equal(
    told('sql_variant', 'nvarchar', 0, 0, 0, 'Latin1_General_CI_AS', '', null),
    "CAST(N'' COLLATE Latin1_General_CI_AS AS nvarchar(1))",
  );
  assert.equal(
    told('sql_variant', 'varbinary', 0, 0, 2, null, null, Buffer.from([1, 2])),
    'CAST(0x0102 AS varbinary(2))',
  );
  assert.equal(
    told('sql_variant', 'float', 53, 0, 8, null, '1.0000000000000001e-001', null),
    'CAST(1.0000000000000001e-1 AS float)',
  );
  assert.equal(
    told('sql_variant', 'datetime2', 27, 7, 8, null, '2020-01-01 00:00:00.1234567', null),
    "CAST(N'2020-01-01 00:00:00.1234567' AS datetime2(7))",
  );
  assert.equal(
    told('sql_variant', 'uniqueidentifier', 0, 0, 16, null, '6F9619FF-8B86-D011-B42D-00C04FC964FF', null),
    "CAST(N'6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)",
  );
  assert.throws(() => told('sql_variant', 'varchar', 0, 0, 1, 'x; DROP', 'a', null), /names the collation/);
});

test('a variant of 8000 letters is not cut to those that a short text holds', () => {
  const [, , , , , text] = codecOf({ name: 'c', type: type('sql_variant') }).select;
  assert.match(text ?? '', / ELSE CONVERT\(nvarchar\(max\),\[c\]\) END$/);
});

test('what must not be loaded in bulk says so', () => {
  const staged = (base: string) =>
    codecOf({ name: 'c', type: type(base, { precision: 18, scale: 4 }) }).staged;
  assert.equal(staged('decimal')?.value('c0'), 'CAST(c0 AS decimal(18,4))');
  assert.equal(staged('nvarchar')?.value('c0'), 'c0');
  assert.equal(staged('varbinary')?.as, 'bytes');
  for (const base of ['xml', 'sql_variant', 'geography', 'hierarchyid', 'image'])
    assert.equal(staged(base), undefined, base);
});

test('a type that nobody knows fails its table, by name', () => {
  assert.throws(
    () => codecOf({ name: 'shape', type: type('unknown') }),
    (error) => hasCode(error, 'ITEM_UNREADABLE') && /column shape is of the type unknown/.test(error.message),
  );
});

test('a number that is none is not passed on', () => {
  assert.throws(
    () => told('int', '1; DROP TABLE t'),
    (error) => hasCode(error, 'ITEM_UNREADABLE'),
  );
  assert.throws(
    () => told('float', 'x'),
    (error) => hasCode(error, 'ITEM_UNREADABLE'),
  );
});
