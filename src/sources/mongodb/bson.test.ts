import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { hasCode } from '#lib/errors.ts';
import {
  canonicalJson,
  decode,
  documentAt,
  elementAt,
  elementsOf,
  encode,
  isDocument,
  parseExtendedJson,
  relaxedDocument,
  relaxedJson,
  stringAt,
  timestampAt,
} from './bson.ts';
import { everyType } from './testing-database.ts';

test('every type is stepped over by its length', () => {
  const names = [...elementsOf(everyType())].map(({ name }) => name);
  assert.deepEqual(names, Object.keys(BSON.deserialize(everyType())));
});

test('the types that only old drivers wrote have their lengths too', () => {
  const pointer = Buffer.concat([Buffer.from([0x0c, 0x70, 0, 2, 0, 0, 0, 0x61, 0]), Buffer.alloc(12)]);
  const body = Buffer.concat([Buffer.from([0x06, 0x75, 0]), pointer, Buffer.from([0x0a, 0x6e, 0])]);
  const document = Buffer.concat([Buffer.alloc(4), body, Buffer.alloc(1)]);
  document.writeInt32LE(document.length);
  assert.deepEqual(
    [...elementsOf(document)].map(({ name }) => name),
    ['u', 'p', 'n'],
  );
});

test('what is decoded is encoded to the same bytes, keys that look like numbers in their order', () => {
  const awkward = BSON.serialize(
    new Map<string, unknown>([
      ['10', { 9: 1 }],
      ['2', [{ b: 1, 1: 2 }]],
      ['', null],
    ]),
  );
  for (const document of [everyType(), awkward])
    assert.deepEqual(encode(decode(document)), Buffer.from(document));
});

test('canonical extended JSON is that of the package, with keys in their order', () => {
  assert.equal(
    canonicalJson(everyType()),
    BSON.EJSON.stringify(BSON.deserialize(everyType(), exactly), { relaxed: false }),
  );
  const keys = BSON.serialize(
    new Map<string, unknown>([
      ['b', 1],
      ['0', -1],
    ]),
  );
  assert.equal(canonicalJson(keys), '{"b":{"$numberInt":"1"},"0":{"$numberInt":"-1"}}');
});

const exactly = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;

test('values are found by their names', () => {
  const document = BSON.serialize({
    a: 'text',
    b: { c: 1 },
    ts: new BSON.Timestamp({ t: 4_294_967_295, i: 7 }),
  });
  assert.equal(stringAt(document, 'a'), 'text');
  assert.equal(stringAt(document, 'b'), undefined);
  assert.deepEqual(documentAt(document, 'b'), Buffer.from(BSON.serialize({ c: 1 })));
  assert.equal(timestampAt(document, 'ts'), '4294967295:7');
  assert.equal(elementAt(document, 'nothing'), undefined);
});

test('bytes that are no BSON are an unreadable item, never a guess', () => {
  const whole = Buffer.from(BSON.serialize({ a: 'text', n: 1 }));
  const broken = [
    whole.subarray(1),
    whole.subarray(0, -1),
    Buffer.from([5, 0, 0, 0]),
    Buffer.from([6, 0, 0, 0, 0x44, 0]),
  ];
  const tooLong = Buffer.from(whole);
  tooLong.writeInt32LE(1_000_000, 7);
  const negative = Buffer.from(whole);
  negative.writeInt32LE(-1, 7);
  for (const bytes of [...broken, tooLong, negative])
    assert.throws(
      () => [...elementsOf(bytes)],
      (error) => hasCode(error, 'ITEM_UNREADABLE'),
    );
});

test('JSON for people has every digit of an integer, and the keys in their order, doubled ones too', () => {
  const inner = BSON.serialize(
    new Map<string, unknown>([
      ['10', BSON.Long.MAX_VALUE],
      ['2', [BSON.Long.fromString('-9007199254740993')]],
    ]),
  );
  const document = BSON.serialize(
    new Map<string, unknown>([
      ['a', 1],
      ['b', BSON.Long.fromString('9007199254740993')],
      ['c', BSON.deserialize(inner, { promoteLongs: false })],
    ]),
  );
  const json = '{"a":1,"b":9007199254740993,"c":{"2":[-9007199254740993],"10":9223372036854775807}}';
  assert.equal(relaxedDocument(document), json);
  assert.equal(relaxedDocument(inner), '{"10":9223372036854775807,"2":[-9007199254740993]}');
  const [element] = elementsOf(Buffer.from(document));
  assert.equal(element && relaxedJson(element), '1');
});

test('a query that people write has every digit of its integers', () => {
  const json =
    '{"a":9007199254740993,"b":[-9223372036854775808],"c":17,"d":1.5,"e":{"$gt":{"$date":"2026-01-01T00:00:00Z"}}}';
  const query = parseExtendedJson(json);
  assert.ok(isDocument(query));
  assert.equal(relaxedDocument(encode(query)), json);
});
