import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { serveMetrics } from './metrics-server.ts';

const ask = (port: number, path: string, host = '127.0.0.1'): Promise<[status: number, body: string]> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host } }, (response) => {
      text(response).then((body) => resolve([response.statusCode ?? 0, body]), reject);
    })
      .on('error', reject)
      .end();
  });

test('the page is made once for all who ask at about the same time', async () => {
  let made = 0;
  const collect = async (): Promise<string> => {
    made += 1;
    return `holdfast_made ${made}\n`;
  };
  await using server = await serveMetrics({ port: 0, collect });
  const answers = await Promise.all([ask(server.port, '/metrics'), ask(server.port, '/metrics?x=1')]);
  assert.deepEqual(answers, [
    [200, 'holdfast_made 1\n'],
    [200, 'holdfast_made 1\n'],
  ]);
  assert.equal((await ask(server.port, '/'))[0], 404);
});

test('a web page cannot read it under another name', async () => {
  await using server = await serveMetrics({ port: 0, collect: async () => 'secret\n' });
  assert.deepEqual(await ask(server.port, '/metrics', 'evil.example.org'), [403, 'ask for 127.0.0.1\n']);
  assert.equal((await ask(server.port, '/metrics', `localhost:${server.port}`))[0], 200);
});

test('what cannot be found out is an answer, too, and a port that is taken an error', async () => {
  await using server = await serveMetrics({
    port: 0,
    collect: async () => {
      throw new Error('no catalog');
    },
  });
  assert.deepEqual(await ask(server.port, '/metrics'), [500, 'no catalog\n']);
  await assert.rejects(serveMetrics({ port: server.port, collect: async () => '' }), { code: 'FAILED' });
});
