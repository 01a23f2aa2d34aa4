// What lies among the orders of a site and none of its consoles has put there, or not so: refused, removed, told, and in nobody's way.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { before, beforeEach, test } from 'node:test';
import { makeIdentity } from '../src/archive/encryption.ts';
import { newOrderId, type Order, writeOrder } from '../src/jobs/console/order.ts';
import { orderKey } from '../src/jobs/console/place.ts';
import { makeSigningKey, sign } from '../src/jobs/console/signed.ts';
import { Secret } from '../src/lib/secret.ts';
import { jsonLines } from './tools/cli.ts';
import { consoleFolder } from './tools/console.ts';

const { at, run, write } = consoleFolder('orders-hostile');
const [own, thief] = [makeSigningKey(), makeSigningKey()];
const folder = at('bulletins', 'north', 'orders');

before(async () => {
  const { recipient } = await makeIdentity(new Date());
  mkdirSync(folder, { recursive: true });
  mkdirSync(at('files'));
  write('north', {
    site: 'north',
    sources: { data: { kind: 'files', path: at('files') } },
    jobs: { copy: { archive: ['data'], to: [at('archives')] }, other: { archive: ['data'], to: [at('x')] } },
    bulletins: { to: at('bulletins'), for: recipient },
    orders: { from: own.publicKey, jobs: ['copy'] },
  });
});

let now = Date.now() - 60_000;
beforeEach(() => {
  now += 1000;
});

const orderOf = (more: Partial<Order> = {}): Order => ({
  ...{ id: newOrderId(), site: 'north', at: new Date(now), until: new Date(now + 3_600_000), jobs: ['copy'] },
  ...more,
});
const signed = (order: Order, { pem } = own): Buffer => writeOrder(order, new Secret(pem));
const plant = (order: Pick<Order, 'id' | 'at'>, bytes: Uint8Array): void =>
  writeFileSync(at('bulletins', orderKey('north', order)), bytes);

/** What the site says when it looks; how many runs came of it; and what it tells of those that it refused. */
const look = async () => {
  const countRuns = async (): Promise<number> =>
    jsonLines((await run('north', 'runs --json -n 1000')).stdout).length;
  const runsBefore = await countRuns();
  const { status, stderr } = await run('north', 'orders');
  const runs = (await countRuns()) - runsBefore;
  const told: { id: string; state: string; why?: string }[] = JSON.parse(
    (await run('north', 'bulletin --show')).stdout,
  ).orders.taken;
  return { status, stderr, runs, left: readdirSync(folder), told };
};

test('an order of the console is taken', async () => {
  const order = orderOf();
  plant(order, signed(order));
  const { status, stderr, runs, left } = await look();
  assert.deepEqual([status, stderr, runs, left], [0, '', 1, []]);
});

const flip = (bytes: Buffer, offset: number): Buffer => {
  const changed = Buffer.from(bytes);
  const place = offset < 0 ? bytes.length + offset : offset;
  changed.writeUInt8(changed.readUInt8(place) ^ 1, place);
  return changed;
};
const lineOf = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.indexOf('\n'));
const signedText = (text: string): Buffer => Buffer.from(sign(text, 'order', own.pem));
const having = (change: object) => (order: Order) =>
  signedText(JSON.stringify({ format: 1, ...order, ...change }));
const strange = /it has something in it that this version does not understand/;

const hostile: readonly (readonly [what: string, make: (order: Order) => Uint8Array, why: RegExp])[] = [
  ['of somebody else', (order) => signed(order, thief), /its signature is of nobody in `orders.from`/],
  ['without a signature', (order) => lineOf(signed(order)), /it is not signed/],
  ['with a bit changed', (order) => flip(signed(order), 30), /its signature is of nobody/],
  ['with a bit of its signature changed', (order) => flip(signed(order), -30), /its signature is /],
  ['cut short', (order) => signed(order).subarray(0, -10), /its signature is cut short/],
  ['of nothing', () => Buffer.of(), /it is not signed/],
  [
    'that is a bulletin',
    (order) => Buffer.from(sign(lineOf(signed(order)).toString(), 'bulletin', own.pem)),
    /its signature is of nobody/,
  ],
  ['for another site', having({ site: 'south' }), /it is for the site "south"/],
  ['that is no JSON', () => signedText('copy'), /it is no JSON/],
  ['nested without end', () => signedText('['.repeat(30_000)), /it is no JSON/],
  ['with an option', having({ options: ['--dry-run'] }), strange],
  ['of another format', having({ format: 2 }), strange],
  ['for no job', having({ jobs: [] }), strange],
  ['for a path', having({ jobs: ['../copy'] }), strange],
  ['for a thousand jobs', having({ jobs: Array(1000).fill('copy') }), strange],
  ['of no time', having({ at: 'now' }), strange],
  ['of another time than its name', having({ at: new Date(0) }), /it lies under another name than its own/],
  ['that has expired', having({ until: new Date(0) }), /it had expired at 1970/],
  ['for a job that may not be ordered', having({ jobs: ['copy', 'other'] }), /"other" may not be ordered/],
  ['for a job that there is not', having({ jobs: ['copies'] }), /there is no job called "copies" here/],
];
for (const [what, make, why] of hostile)
  test(`an order ${what} is refused, removed and told, and a good one beside it is run`, async () => {
    const order = orderOf();
    plant(order, make(order));
    now += 1;
    const beside = orderOf();
    plant(beside, signed(beside));
    const { status, stderr, runs, left, told } = await look();
    assert.deepEqual([status, runs, left], [0, 1, []], stderr);
    assert.match(stderr, why);
    const [refused] = told.filter(({ id }) => id.includes(order.id));
    assert.deepEqual([refused?.state, why.test(refused?.why ?? '')], ['refused', true]);
  });

test('orders of 10 MiB and 1 GiB are refused before they are read', async () => {
  for (const bytes of [10 * 1024 ** 2, 1024 ** 3]) {
    const large = orderOf();
    plant(large, Buffer.of());
    truncateSync(at('bulletins', orderKey('north', large)), bytes);
    const { stderr, runs, left } = await look();
    assert.match(stderr, /is refused: it has [\d.]+ [MG]iB, more than any order has$/m);
    assert.deepEqual([runs, left], [0, []]);
  }
});

test('ten thousand forged orders keep no good one from being run, and fill nothing', async () => {
  for (let count = 0; count < 10_000; count += 1)
    plant(orderOf(), Buffer.from(`{"jobs":["copy"]}\n${count}`));
  const good = orderOf();
  plant(good, signed(good));
  const first = await look();
  const second = await look();
  assert.deepEqual([first.runs + second.runs, second.left], [1, []]);
  assert.ok(first.stderr.split('\n').length < 30, 'it does not say so of each');
  assert.match(first.stderr, /^orders: 9,?\d+ more are refused$/m);
  assert.ok(first.told.length <= 30);
});

test('a thousand orders of a stolen key are one run', async () => {
  for (let count = 0; count < 1000; count += 1) {
    const stolen = orderOf({ at: new Date(now + count) });
    plant(stolen, signed(stolen));
  }
  now += 2000;
  const { runs, left } = await look();
  assert.deepEqual([runs, left], [1, []]);
});

test('what has no name of an order is left alone, and doctor alone warns of it', async () => {
  assert.doesNotMatch((await run('north', 'doctor')).stdout, /^warning +orders/m);
  writeFileSync(at('bulletins', 'north', 'orders', 'notes.txt'), 'hello');
  const { status, stderr, left } = await look();
  assert.deepEqual([status, stderr, left], [0, '', ['notes.txt']]);
  const { stdout } = await run('north', 'doctor');
  assert.match(stdout, /^warning +orders +1 object in north\/orders\/ is no order: notes\.txt$/m);
});
