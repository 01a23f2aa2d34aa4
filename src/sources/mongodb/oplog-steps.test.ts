import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { hasCode } from '#lib/errors.ts';
import { assertReplayable, isLater } from './oplog.ts';
import { OplogSteps, type Step } from './oplog-steps.ts';

type Fields = Readonly<Record<string, unknown>>;

const uuid = new BSON.UUID('00112233-4455-6677-8899-aabbccddeeff');
const ts = new BSON.Timestamp({ t: 1, i: 1 });
const entry = (fields: Fields): Uint8Array => BSON.serialize({ ts, v: 2, ui: uuid, ...fields });

/** Everything of `shop` goes to `copy`, where orders are called old. */
const steps = (): OplogSteps =>
  new OplogSteps((database, name) =>
    database === 'shop' ? { database: 'copy', name: name === 'orders' ? 'old' : name } : undefined,
  );
const readable = (step: Step): Fields =>
  BSON.EJSON.parse(
    BSON.EJSON.stringify(step.kind === 'apply' ? step.entry : { in: step.database, ...step.command }),
  );
const of = (...entries: readonly Fields[]): Fields[] => {
  const all = steps();
  return entries.flatMap((fields) => all.of(entry(fields))).map(readable);
};
const insert = (ns: string, _id: number): Fields => ({ op: 'i', ns, o: { _id } });

test('writes are applied under the names of the target, without what only the old server knows', () => {
  const session = { lsid: { id: uuid }, txnNumber: BSON.Long.ONE, stmtId: 0, prevOpTime: {} };
  const [applied, ...others] = of({
    op: 'u',
    ns: 'shop.orders',
    ...session,
    o: { $v: 2, diff: { u: { a: 1 } } },
    o2: { _id: 1 },
  });
  assert.deepEqual(others, []);
  assert.deepEqual(applied, {
    ts,
    v: 2,
    op: 'u',
    ns: 'copy.old',
    o: { $v: 2, diff: { u: { a: 1 } } },
    o2: { _id: 1 },
  });
});

test('no-operations, the server’s own databases, and what is not restored are passed over', () => {
  assert.deepEqual(
    of(
      { op: 'n', ns: '', o: { msg: 'periodic noop' } },
      insert('config.image_collection', 1),
      insert('other.orders', 1),
      { op: 'c', ns: 'shop.$cmd', o: { startIndexBuild: 'orders', indexes: [] } },
      { op: 'km', ns: 'shop.orders', o: {} },
    ),
    [],
  );
});

test('indexes are built and dropped by commands, because servers do not apply them', () => {
  const index = { v: 2, key: { a: 1 }, name: 'a_1' };
  assert.deepEqual(
    of(
      { op: 'c', ns: 'shop.$cmd', o: { createIndexes: 'orders', ...index, ns: 'shop.orders' } }, // as MongoDB 4.2 has it
      { op: 'c', ns: 'shop.$cmd', o: { commitIndexBuild: 'orders', indexBuildUUID: uuid, indexes: [index] } },
      { op: 'c', ns: 'shop.$cmd', o: { dropIndexes: 'orders', index: 'a_1' } },
    ),
    [
      { in: 'copy', createIndexes: 'old', indexes: [index] },
      { in: 'copy', createIndexes: 'old', indexes: [index] },
      { in: 'copy', dropIndexes: 'old', index: 'a_1' },
    ],
  );
});

test('collections made, changed and dropped meanwhile follow, under their new names', () => {
  const commands = [
    { create: 'new', idIndex: { v: 2, ns: 'shop.new' }, recordIdsReplicated: true },
    { collMod: 'orders', validator: {} },
    { drop: 'orders' },
  ];
  const applied = of(...commands.map((o) => ({ op: 'c', ns: 'shop.$cmd', o })));
  assert.deepEqual(
    applied.map(({ ns, o }) => ({ ns, o })),
    [
      { ns: 'copy.$cmd', o: { create: 'new', idIndex: { v: 2 } } },
      { ns: 'copy.$cmd', o: { collMod: 'old', validator: {} } },
      { ns: 'copy.$cmd', o: { drop: 'old' } },
    ],
  );
});

const transaction = (number: number, o: Fields): Fields => ({
  op: 'c',
  ns: 'admin.$cmd',
  lsid: { id: uuid },
  txnNumber: BSON.Long.fromNumber(number),
  o,
});
const idsOf = (applied: readonly Fields[]): unknown[] => applied.map(({ o }) => (o as { _id: number })._id);

test('a transaction is applied when it is committed, all of it, and in the order of the commits', () => {
  const applied = of(
    transaction(1, { applyOps: [insert('shop.a', 1)], partialTxn: true }),
    transaction(2, { applyOps: [insert('shop.a', 2), insert('other.a', 9)] }),
    insert('shop.a', 3),
    transaction(1, { applyOps: [insert('shop.a', 4)] }),
  );
  assert.deepEqual(idsOf(applied), [2, 3, 1, 4]);
});

test('a prepared transaction waits for its end, and one that is given up or never ends leaves nothing', () => {
  const prepared = (number: number): Fields =>
    transaction(number, { applyOps: [insert('shop.a', number)], prepare: true });
  const applied = of(
    prepared(1),
    prepared(2),
    prepared(3),
    transaction(1, { commitTransaction: 1, commitTimestamp: ts }),
    transaction(2, { abortTransaction: 1 }),
  );
  assert.deepEqual(idsOf(applied), [1]);
});

test('several writes of one command are no transaction', () => {
  const vectored = {
    ...transaction(1, { applyOps: [insert('shop.a', 1), insert('shop.a', 2)] }),
    multiOpType: 1,
  };
  assert.deepEqual(idsOf(of(vectored)), [1, 2]);
});

test('what a replay cannot repeat is refused, when it is recorded and when it is replayed', () => {
  const refused = [
    { op: 'c', ns: 'shop.$cmd', o: { renameCollection: 'shop.a', to: 'shop.b' } },
    { op: 'c', ns: 'shop.$cmd', o: { importCollection: 'shop.a' } },
    { op: 'u', ns: 'admin.system.version', o: {} },
  ];
  for (const fields of refused)
    assert.throws(
      () => assertReplayable(entry(fields)),
      (error) => hasCode(error, 'SOURCE_UNREACHABLE'),
    );
  assertReplayable(entry(insert('shop.orders', 1)));
  for (const o of [{ dropDatabase: 1 }, { somethingNew: 'orders' }])
    assert.throws(
      () => of({ op: 'c', ns: 'shop.$cmd', o }),
      (error) => hasCode(error, 'TARGET_FAILED'),
    );
});

test('moments of the oplog are compared by their seconds, and then by their count', () => {
  assert.ok(isLater('10:1', '9:2'));
  assert.ok(isLater('9:10', '9:9'));
  assert.ok(!isLater('9:9', '9:9'));
});
