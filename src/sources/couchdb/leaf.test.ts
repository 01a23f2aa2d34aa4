import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenJson, eachElement, memberOf, valueAt } from './json-scan.ts';
import { inOrder, leafAt, linesOf, withMembers } from './leaf.ts';

const leafOf = (text: string) => {
  const bytes = Buffer.from(text);
  return leafAt(bytes, 0);
};
const lineOf = (text: string): string => linesOf([leafOf(text)]).toString();

test('a document is kept as it was sent: digits, order of keys, escapes', () => {
  const text = String.raw`{"_id":"é\u0000\"\\","_rev":"1-a","n":12345678901234567890.10,"10":1e400,"2":-0,"t":"\ud800{}[],:","o":{"_id":"inner","a":[]}}`;
  assert.equal(lineOf(text), `${text}\n`);
  assert.equal(leafOf(text).id, 'é\u0000"\\');
});

test('a document is one line, however it was sent', () => {
  assert.equal(
    lineOf('{ "_id" : "a",\n\t"_rev":\r\n"1-a" , "x" : [ 1 , { } ] }'),
    '{ "_id" : "a", \t"_rev":\r "1-a" , "x" : [ 1 , { } ] }\n',
  );
});

test('members are replaced in their place, and others are not touched', () => {
  const leaf = leafOf(
    '{"_id":"a","_rev":"1-a","_revisions":{"start":1,"ids":["a"]},"n":1.00,"_attachments":{},"z":{"_rev":1}}',
  );
  assert.equal(
    withMembers(leaf, { _rev: '"2-b"', _revisions: undefined, _attachments: '{"x":1}' }).toString(),
    '{"_id":"a","_rev":"2-b","n":1.00,"_attachments":{"x":1},"z":{"_rev":1}}',
  );
});

test('a text that ends anywhere too early is never taken for whole', () => {
  const text = '{"results":[{"id":"a\\"b","docs":[{"ok":{"_id":"a","_rev":"1-a","n":[1,{"x":"y"}]}}]}]}';
  for (let length = 0; length < text.length; length += 1) {
    const bytes = Buffer.from(text.slice(0, length));
    assert.throws(() => {
      const results = memberOf(bytes, 0, 'results');
      eachElement(bytes, results?.start ?? 0, (value) => void valueAt(bytes, value));
    }, BrokenJson);
  }
});

test('the winner of each document comes first, as CouchDB chooses it', () => {
  const leaf = (rev: string, rest = '') => leafOf(`{"_id":"a","_rev":"${rev}"${rest}}`);
  const leaves = [leaf('9-ff', ',"_deleted":true'), leaf('2-aa'), leaf('10-aa'), leaf('2-ab')];
  assert.deepEqual(
    inOrder([leaves]).map(({ rev }) => rev),
    ['10-aa', '2-ab', '2-aa', '9-ff'],
  );
});

test('an attachment may have any name', () => {
  const stub = '{"content_type":"text/plain","revpos":1,"digest":"md5-AAAA","length":3,"stub":true}';
  const { attachments } = leafOf(
    `{"_id":"a","_rev":"1-a","_attachments":{"__proto__":${stub},"a/b":${stub}}}`,
  );
  assert.deepEqual(
    attachments.map(({ name }) => name),
    ['__proto__', 'a/b'],
  );
});
