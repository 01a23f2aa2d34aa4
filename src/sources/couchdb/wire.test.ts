// What the real CouchDB does and PouchDB Server does not, held against a responder that answers as documented
// (https://docs.couchdb.org/en/stable/api/): compressed attachments, multipart documents, sequences that are no numbers,
// numbers that JavaScript cannot hold, _local_docs, partitioned databases.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { seededRandom } from '#lib/random.ts';
import { randomBytes } from '../../../test/tools/random.ts';
import { scratchMakerOf } from '../source.ts';
import type { CapturedEntry } from '../testing.ts';
import { dumpOf, openCouch, restoreTo, textAt } from './testing.ts';

const text = 'compressible '.repeat(200);
const stored = gzipSync(text, { level: 8 });
const movie = Buffer.alloc(1_500_000, 7);
const digest = (bytes: Uint8Array): string => `md5-${createHash('md5').update(bytes).digest('base64')}`;
const stub = (bytes: Uint8Array, length: number, type: string): string =>
  `{"content_type":"${type}","revpos":1,"digest":"${digest(bytes)}","length":${length},"stub":true}`;
const big =
  `{"_id":"p:1","_rev":"1-aa","price":12345678901234567890.10,"_attachments":` +
  `{"t.txt":${stub(stored, text.length, 'text/plain')},"m.bin":${stub(movie, movie.length, 'application/octet-stream')}}` +
  `,"_revisions":{"start":1,"ids":["aa"]}}`;
const seq = '3-g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv3___-zMpiTGHLB';

/** Attachments of which a client said that they are compressed: the server knows the length of nothing else. */
const sent = gzipSync('sent compressed '.repeat(30));
const sentLarge = gzipSync(randomBytes(seededRandom('sent compressed'), 1_200_000));
const packed = `{"_id":"p:2","_rev":"1-bb","_attachments":{"s.txt":${stub(sent, sent.length, 'text/plain')}},"_revisions":{"start":1,"ids":["bb"]}}`;
const packedLarge = `{"_id":"p:3","_rev":"1-cc","_attachments":{"l.json":${stub(sentLarge, sentLarge.length, 'application/json')}},"_revisions":{"start":1,"ids":["cc"]}}`;

/** A file that is compressed, which its client called a text: the server compressed it again. */
const own = gzipSync('own '.repeat(1000));
const ownStored = gzipSync(own, { level: 8 });
const packedOwn = `{"_id":"p:4","_rev":"1-dd","_attachments":{"o.txt":${stub(ownStored, own.length, 'text/plain')}},"_revisions":{"start":1,"ids":["dd"]}}`;

/** A picture that came compressed, and a compressed file that came as it is: their bytes are the same. */
const packedPicture = `{"_id":"p:5","_rev":"1-ee","_attachments":{"i.svgz":${stub(sent, sent.length, 'image/svg+xml')},"f.gz":${stub(sent, sent.length, 'application/gzip')}},"_revisions":{"start":1,"ids":["ee"]}}`;
const packedPictureSaid = packedPicture.replace(
  '"stub":true',
  `"stub":true,"encoding":"gzip","encoded_length":${sent.length}`,
);

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly type: string;
  readonly body: Buffer;
}

const answers: Record<string, (request: IncomingMessage, answer: ServerResponse) => unknown> = {
  'GET /': () => ({
    couchdb: 'Welcome',
    version: '3.5.1',
    vendor: { name: 'The Apache Software Foundation' },
  }),
  'GET /_all_dbs': () => ['shop'],
  'GET /shop': () => ({
    instance_start_time: '1700000000',
    db_name: 'shop',
    purge_seq: '0-g1AAAABPeJzLYWBg',
    update_seq: seq,
    sizes: { file: 1, external: 4000, active: 1 },
    props: { partitioned: true },
    doc_del_count: 0,
    doc_count: 1,
    cluster: { q: 2, n: 1, w: 1, r: 1 },
  }),
  'GET /shop/_security': () => ({ admins: { roles: ['_admin'] }, members: { roles: ['_admin'] } }),
  'GET /shop/_revs_limit': () => 500,
  'GET /shop/_changes': () => ({
    results: [{ seq, id: 'p:1', changes: [{ rev: '1-aa' }] }],
    last_seq: seq,
    pending: 0,
  }),
  'POST /shop/_bulk_get': () => `{"results": [{"id":"p:1","docs":[{"ok":${big}}]}]}\n`,
  'GET /shop/_local_docs': () =>
    '{"total_rows":null,"offset":null,"rows":[\n{"id":"_local/x","key":"_local/x","value":{"rev":"0-1"},"doc":{"_id":"_local/x","_rev":"0-1","n":1.0}}\n]}',
  'GET /shop/p%3A1/t.txt': (_, answer) => {
    answer.setHeader('content-encoding', 'gzip');
    return stored;
  },
  'GET /shop/p%3A1/m.bin': () => movie,
};

const compressed = (bytes: Buffer) => (_: unknown, answer: ServerResponse) => {
  answer.setHeader('content-encoding', 'gzip');
  return bytes;
};

const packedAnswers: typeof answers = {
  'GET /packed': (...request) => ({
    ...(answers['GET /shop']?.(...request) as object),
    db_name: 'packed',
    props: {},
    doc_count: 4,
  }),
  'GET /packed/_security': () => ({}),
  'GET /packed/_revs_limit': () => 1000,
  'GET /packed/_changes': () => ({
    results: [
      { seq, id: 'p:2', changes: [{ rev: '1-bb' }] },
      { seq, id: 'p:3', changes: [{ rev: '1-cc' }] },
      { seq, id: 'p:4', changes: [{ rev: '1-dd' }] },
      { seq, id: 'p:5', changes: [{ rev: '1-ee' }] },
    ],
    last_seq: seq,
    pending: 0,
  }),
  'POST /packed/_bulk_get': ({ url = '' }) =>
    `{"results":[${Object.entries({
      ...{ 'p:2': packed, 'p:3': packedLarge, 'p:4': packedOwn },
      'p:5': url.includes('att_encoding_info=true') ? packedPictureSaid : packedPicture,
    }).map(([id, ok]) => `{"id":"${id}","docs":[{"ok":${ok}}]}`)}]}`,
  'GET /packed/p%3A2/s.txt': compressed(sent),
  'GET /packed/p%3A3/l.json': compressed(sentLarge),
  'GET /packed/p%3A4/o.txt': compressed(ownStored),
  'GET /packed/p%3A5/i.svgz': compressed(sent),
  'GET /packed/p%3A5/f.gz': () => sent,
};
Object.assign(answers, packedAnswers);

suite('what only the real CouchDB does', () => {
  const asked: Asked[] = [];
  const server = createServer(async (request, answer) => {
    const [path = '/'] = (request.url ?? '/').split('?');
    const method = request.method ?? 'GET';
    asked.push({
      method,
      url: request.url ?? '',
      type: request.headers['content-type'] ?? '',
      body: await buffer(request),
    });
    const make = answers[`${method} ${path}`];
    const body = make?.(request, answer) ?? (method === 'GET' ? undefined : { ok: true });
    if (body === undefined)
      answer.writeHead(404).end('{"error":"not_found","reason":"Database does not exist."}');
    else answer.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
  let url: () => string;
  let dumped: readonly CapturedEntry[];
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = () => `couchdb://admin:pw@127.0.0.1:${(server.address() as AddressInfo).port}/shop`;
    dumped = await dumpOf({ url }, { localDocuments: true });
  });
  after(() => server.close().closeAllConnections());

  const copyUrl = (): string => url().replace(/shop$/, 'copy');
  const restore = async (): Promise<Asked[]> => {
    asked.length = 0;
    answers['POST /copy/_bulk_docs'] = () => [];
    const report = await restoreTo({ url: copyUrl }, dumped, {}, { selection: ['shop'] });
    assert.deepEqual(report.failures, []);
    return asked;
  };

  test('an attachment that lies compressed on the server is kept as it is used', () => {
    const files = dumped.filter(({ path }) => path.startsWith('shop/data/all/'));
    assert.deepEqual(
      files
        .map(({ content }) => Buffer.from(content ?? []).toString())
        .toSorted((a, b) => a.length - b.length),
      [text, movie.toString()],
    );
  });

  test('numbers keep all their digits', () => {
    assert.equal(textAt(dumped, 'shop/data/all.jsonl'), `${big}\n`);
  });

  test('a query of a drill gives numbers with all their digits', async () => {
    const document =
      '{"_id":"p:1","n":12345678901234567890,"text":"a\\"b","none":null,"list":[1,{"x":1.50}]}';
    answers['POST /holdfast_drill_x_1/_find'] = () => `{"docs":[\n${document}\n],"bookmark":"nil"}`;
    answers['GET /holdfast_drill_x_1/_design/app/_view/sum'] = () =>
      '{"rows":[\n{"key":null,"value":9007199254740993}\n]}';
    await using source = await openCouch({ url });
    const maker = scratchMakerOf(source) ?? assert.fail();
    const request = { name: 'holdfast_drill_x', folder: '/nowhere', databases: ['shop'] };
    await using place = await maker.openScratch(request);
    assert.deepEqual(await place.query?.('{"selector": {}}', 'shop'), [
      ['p:1', '12345678901234567890', 'a"b', null, '[1,{"x":1.50}]'],
    ]);
    assert.deepEqual(await place.query?.('_design/app/_view/sum', 'shop'), [
      ['9007199254740993', null, null],
    ]);
  });

  test('sequences are kept as they are, and the next backup asks for what came after', async () => {
    asked.length = 0;
    answers['POST /shop/_revs_diff'] = () => ({});
    answers['GET /shop/_changes'] = () => ({ results: [], last_seq: seq, pending: 0 });
    const second = await dumpOf({ url }, {}, dumped);
    assert.ok(asked.some((one) => one.url.includes(`since=${encodeURIComponent(seq)}`)));
    assert.equal(second.find(({ path }) => path === 'shop/data/all.jsonl')?.unchanged, true);
  });

  test('another time of creation means another database', async () => {
    answers['GET /shop/_changes'] = () => ({
      results: [{ seq, id: 'p:1', changes: [{ rev: '1-aa' }] }],
      last_seq: seq,
      pending: 0,
    });
    const before = answers['GET /shop'];
    answers['GET /shop'] = (...request) => ({
      ...(before?.(...request) as object),
      instance_start_time: '1700000001',
    });
    asked.length = 0;
    await dumpOf({ url }, {}, dumped);
    assert.ok(asked.some((one) => one.url.includes('_bulk_get')));
    if (before) answers['GET /shop'] = before;
  });

  test('documents that the server counts and its feed does not list are told, and looked for anew the next time', async () => {
    const before = answers['GET /shop'];
    answers['GET /shop'] = (...request) => ({ ...(before?.(...request) as object), doc_count: 3 });
    const lacking = await dumpOf({ url });
    if (before) answers['GET /shop'] = before;
    const [failed, ...others] = lacking.filter((entry) => entry.failed);
    assert.deepEqual([failed?.path, others], ['shop/documents', []]);
    assert.match(failed?.failed?.message ?? '', /counts 2 documents in shop that its feed .* does not list/);
    assert.match(textAt(lacking, 'shop/manifest.json'), /2 documents could not be read/);
    assert.match(textAt(lacking, 'shop/index.jsonl'), /"since":null/);
  });

  test('a restore makes the database as it was', async () => {
    const requests = await restore();
    const made = requests.find(({ method, url: path }) => method === 'PUT' && /^\/copy(\?|$)/.test(path));
    assert.equal(made?.url, '/copy?partitioned=true&q=2');
    assert.equal(requests.find(({ url: path }) => path === '/copy/_revs_limit')?.body.toString(), '500');
    assert.equal(
      requests.find(({ url: path }) => path === '/copy/_local/x')?.body.toString(),
      '{"_id":"_local/x","n":1.0}',
    );
  });

  test('an attachment that came compressed is kept as it came, and is again what it was', async () => {
    const at = url().replace(/shop$/, 'packed');
    const packedDump = await dumpOf({ url: () => at });
    const files = packedDump.filter(({ path }) => path.startsWith('packed/data/all/'));
    assert.deepEqual(
      files.map(({ content }) => Buffer.from(content ?? [])).toSorted((a, b) => a.length - b.length),
      [own, sent, sentLarge].toSorted((a, b) => a.length - b.length),
    );
    asked.length = 0;
    answers['POST /copy/_bulk_docs'] = () => [];
    const report = await restoreTo({ url: copyUrl }, packedDump, {}, { selection: ['packed'] });
    assert.deepEqual(report.failures, []);
    for (const [path, bytes] of [
      ['/copy/p%3A2', sent],
      ['/copy/p%3A3', sentLarge],
      ['/copy/p%3A5', sent],
    ] as const) {
      const put = asked.find(({ url: other }) => other.startsWith(path))?.body;
      const [, document = ''] = put?.toString('latin1').split('\r\n\r\n') ?? [];
      assert.match(document, new RegExp(`"encoding":"gzip","encoded_length":${bytes.length}`));
      assert.ok(put?.includes(bytes));
      assert.equal(document.split('"encoding"').length, 2);
    }
    const inline = asked
      .filter(({ url: path }) => path === '/copy/_bulk_docs')
      .map(({ body }) => String(body));
    const [ownDocument] = inline.flatMap((body) => JSON.parse(body).docs).filter(({ _id }) => _id === 'p:4');
    assert.deepEqual(Buffer.from(ownDocument._attachments['o.txt'].data, 'base64'), own);
    const welcome = answers['GET /'];
    answers['GET /'] = () => ({ 'express-pouchdb': 'Welcome!', version: '4.2.0' }); // which takes no attachment compressed
    asked.length = 0;
    await restoreTo({ url: copyUrl }, packedDump, {}, { selection: ['packed'] });
    if (welcome) answers['GET /'] = welcome;
    const bodies = asked
      .filter(({ url: path }) => path === '/copy/_bulk_docs')
      .map(({ body }) => String(body));
    const [small] = bodies.flatMap((body) => JSON.parse(body).docs).filter(({ _id }) => _id === 'p:2');
    assert.equal(
      Buffer.from(small._attachments['s.txt'].data, 'base64').toString(),
      'sent compressed '.repeat(30),
    );
  });

  test('a document that is too large for the server is named, and the others are restored', async () => {
    const at = url().replace(/shop$/, 'packed');
    const packedDump = await dumpOf({ url: () => at });
    const written: string[] = [];
    const plain: Record<string, string> = { 'p:6': '1-ff', 'p:7': '1-ab', 'p:8': '1-cd' };
    const lines = Object.entries(plain).map(([_id, _rev]) => JSON.stringify({ _id, _rev, n: 1 }));
    const changed = packedDump
      .filter(({ path }) => !path.startsWith('packed/data/all/'))
      .map((entry) => {
        const isManifest = entry.path.endsWith('manifest.json');
        const text = String(entry.content).replace(/"rows": \d+,\s+"bytes": \d+/, () => {
          const bytes = lines.join('').length + lines.length;
          return `"rows": ${lines.length}, "bytes": ${bytes}`;
        });
        const content = entry.path.endsWith('all.jsonl') ? lines.map((line) => `${line}\n`).join('') : text;
        return isManifest || entry.path.endsWith('all.jsonl')
          ? { ...entry, content: Buffer.from(content) }
          : entry;
      });
    answers['POST /copy/_bulk_docs'] = (_, answer) => {
      const ids = (JSON.parse(String(asked.at(-1)?.body)).docs as { _id: string }[]).map(({ _id }) => _id);
      if (!ids.includes('p:7')) {
        written.push(...ids);
        return [];
      }
      answer.statusCode = 413;
      return { error: 'document_too_large', reason: 'p:7' };
    };
    const report = await restoreTo({ url: copyUrl }, changed, {}, { selection: ['packed'] });
    assert.deepEqual(written.toSorted(), ['p:6', 'p:8']);
    assert.equal(report.failures.length, 1);
    assert.match(report.failures[0]?.error.message ?? '', /document_too_large, p:7/);
  });

  test('large attachments go beside their document as multipart/related', async () => {
    const sent = (await restore()).find(({ url: path }) => path.startsWith('/copy/p%3A1'));
    const boundary = /boundary="([^"]+)"/.exec(sent?.type ?? '')?.[1] ?? 'none';
    assert.match(sent?.type ?? '', /^multipart\/related; /);
    assert.equal(sent?.url, '/copy/p%3A1?new_edits=false');
    const parts = (sent?.body.toString('latin1') ?? '').split(`--${boundary}`).slice(1);
    const [document, first, second, end] = parts.map((part) => part.split('\r\n\r\n').at(1) ?? part);
    const { _attachments, _revisions } = JSON.parse(document ?? '') as Record<string, object>;
    assert.deepEqual(_revisions, { start: 1, ids: ['aa'] });
    assert.deepEqual(Object.keys(_attachments ?? {}), ['t.txt', 'm.bin']);
    assert.deepEqual(Object.values(_attachments ?? {})[0], {
      content_type: 'text/plain',
      revpos: 1,
      length: text.length,
      follows: true,
    });
    assert.equal(first, `${text}\r\n`);
    assert.equal(second?.length, movie.length + 2);
    assert.equal(end, '--');
    assert.match(document ?? '', /12345678901234567890\.10/);
  });
});
