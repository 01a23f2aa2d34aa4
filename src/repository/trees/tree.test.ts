import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeName, encodeName } from '#lib/file-name.ts';
import { seededRandom } from '#lib/random.ts';
import type { EntryMeta, EntryType } from '#sources/source.ts';
import { compareNames, decodeTree, encodeNode, encodeTree, type TreeNode } from './tree.ts';
import { joined } from './tree-parts.ts';

const blob = 'ab'.repeat(32);

const decodeOne = (json: string): TreeNode => {
  const [node] = decodeTree(Buffer.from(`{"nodes":[${json}]}\n`), blob);
  assert.ok(node);
  return node;
};

suite('a node', () => {
  test('has its fields in the order of restic, so that equal directories are equal blobs', () => {
    const meta: EntryMeta = {
      mode: 0o644,
      mtime: 1_600_000_000_123_456_789n,
      atime: 1_600_000_001_000_000_000n,
      ctime: 1_600_000_002_500_000_000n,
      uid: 1000,
      gid: 100,
      user: 'ada',
      group: 'users',
      inode: 42n,
      deviceId: 2049n,
      size: 7,
      links: 2,
      xattrs: [{ name: 'user.note', value: Buffer.from('hi') }],
    };
    assert.equal(
      encodeNode({ name: 'a "file" <&>', type: 'file', meta, content: [blob] }),
      '{"name":"a \\\\\\"file\\\\\\" \\u003c\\u0026\\u003e","type":"file","mode":420,"mtime":"2020-09-13T12:26:40.123456789Z",' +
        '"atime":"2020-09-13T12:26:41Z","ctime":"2020-09-13T12:26:42.5Z","uid":1000,"gid":100,"user":"ada","group":"users",' +
        `"inode":42,"device_id":2049,"size":7,"links":2,"extended_attributes":[{"name":"user.note","value":"aGk="}],"content":["${blob}"]}`,
    );
  });

  test('leaves out what is zero or empty, but not the content of an empty file', () => {
    const times =
      '"mtime":"1970-01-01T00:00:00Z","atime":"1970-01-01T00:00:00Z","ctime":"1970-01-01T00:00:00Z"';
    assert.equal(
      encodeNode({ name: 'empty', type: 'file', meta: {}, content: [] }),
      `{"name":"empty","type":"file",${times},"uid":0,"gid":0,"content":[]}`,
    );
    assert.equal(
      encodeNode({ name: 'd', type: 'dir', meta: { mode: 0o755 }, subtree: blob }),
      `{"name":"d","type":"dir","mode":2147484141,${times},"uid":0,"gid":0,"content":null,"subtree":"${blob}"}`,
    );
  });

  const types: Readonly<Record<EntryType, number>> = {
    file: 0,
    dir: 0x8000_0000,
    symlink: 0x0800_0000,
    dev: 0x0400_0000,
    fifo: 0x0200_0000,
    socket: 0x0100_0000,
    chardev: 0x0420_0000,
    irregular: 0x0008_0000,
  };
  for (const [type, bits] of Object.entries(types) as [EntryType, number][])
    test(`of type ${type} has the bits of Go's file mode, and every permission survives`, () => {
      for (let mode = 0; mode <= 0o7777; mode += 1) {
        const json = encodeNode({ name: 'x', type, meta: { mode } });
        const special =
          (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
        const expected = bits + (mode & 0o777) + special;
        const written = /"mode":(\d+)/.exec(json)?.[1] ?? 0;
        assert.equal(Number(written), expected);
        if (mode % 64 === 0)
          assert.deepEqual([decodeOne(json).type, decodeOne(json).meta.mode], [type, mode]);
      }
    });

  test('keeps inodes and devices of 64 bits exactly', () => {
    const meta = { inode: 2n ** 64n - 1n, deviceId: 2n ** 63n + 1n, device: 9_007_199_254_740_993n };
    const node = decodeOne(encodeNode({ name: 'x', type: 'chardev', meta }));
    assert.deepEqual([node.meta.inode, node.meta.deviceId, node.meta.device], Object.values(meta));
  });

  test('that restic made on Windows keeps what only Windows knows, when its tree is written anew', () => {
    const json =
      '{"name":"x","type":"irregular","mode":524288,"mtime":"2020-09-13T12:26:40Z","atime":"2020-09-13T12:26:40Z",' +
      '"ctime":"2020-09-13T12:26:40Z","uid":0,"gid":0,"generic_attributes":{"windows.creation_time":{"LowDateTime":1,"HighDateTime":2},' +
      '"windows.file_attributes":32,"windows.large":12345678901234567890,"windows.security_descriptor":"AQ\\u003c=="},"content":null}';
    assert.equal(encodeNode(decodeOne(json)), json);
  });

  test('keeps a name that looks like a long number in a field', () => {
    const name = '":12345678901234567890,';
    assert.equal(decodeOne(encodeNode({ name, type: 'fifo', meta: { inode: 2n ** 63n } })).name, name);
  });

  test('keeps a link target that is not UTF-8', () => {
    const linkTarget = decodeName(Buffer.of(0x2e, 0x2f, 0xff));
    const json = encodeNode({ name: 'l', type: 'symlink', meta: { linkTarget } });
    assert.match(json, /"linktarget":"\.\/\ufffd","linktarget_raw":"Li\/\/"/);
    assert.equal(decodeOne(json).meta.linkTarget, linkTarget);
  });

  test('keeps extended attributes of any bytes', () => {
    const xattrs = [
      { name: 'security.capability', value: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
      { name: 'user.empty', value: Buffer.alloc(0) },
    ];
    assert.deepEqual(
      decodeOne(encodeNode({ name: 'x', type: 'file', meta: { xattrs }, content: [] })).meta.xattrs,
      xattrs,
    );
  });

  test('keeps a time far outside of what can be written, as the nearest that can', () => {
    const { meta } = decodeOne(
      encodeNode({ name: 'x', type: 'fifo', meta: { mtime: 2n ** 70n, ctime: -(2n ** 70n) } }),
    );
    assert.equal(meta.mtime, 253_402_300_799_999_999_999n);
    assert.equal(meta.ctime, -62_167_219_200_000_000_000n);
  });
});

suite('a tree', () => {
  test('ends with a newline, which is part of the blob', () => {
    assert.equal(joined(encodeTree([])).toString(), '{"nodes":[]}\n');
    assert.deepEqual(decodeTree(Buffer.from('{"nodes":null}'), blob), []);
  });

  test('orders names by their bytes', () => {
    const random = seededRandom('names');
    const alphabet = [
      'a',
      'B',
      '.',
      ' ',
      '~',
      'é',
      '\u07ff',
      '\u0800',
      '\ud7ff',
      '\ue000',
      '\uffee',
      '🦭',
      '\udc80',
      '\udcff',
    ];
    const names = Array.from({ length: 3000 }, () =>
      Array.from({ length: random.integer(1, 4) }, () => random.pick(alphabet)).join(''),
    );
    assert.deepEqual(
      names.toSorted(compareNames),
      names.toSorted((a, b) => Buffer.compare(encodeName(a), encodeName(b))),
    );
  });

  const nodeWith = (fields: string): string => `{"name":"x","type":"file"${fields}}`;
  const damaged: Readonly<Record<string, string>> = {
    'is no JSON': '{"nodes":[',
    'is no object': '7',
    'has no list of nodes': '{"nodes":{}}',
    'has a node that is none': '{"nodes":[null]}',
    'has a node without a name': '{"nodes":[{"type":"file"}]}',
    'has a node with an empty name': '{"nodes":[{"name":"","type":"file"}]}',
    'has a node of an unknown type': '{"nodes":[{"name":"x","type":"door"}]}',
    'has a time that is none': `{"nodes":[${nodeWith(',"mtime":"soon"')}]}`,
    'has a content that is no list of ids': `{"nodes":[${nodeWith(',"content":[7]')}]}`,
    'has a content with a short id': `{"nodes":[${nodeWith(',"content":["abcd"]')}]}`,
    'has a directory whose subtree is no id': '{"nodes":[{"name":"x","type":"dir","subtree":"../x"}]}',
    'has a name with an impossible character': '{"nodes":[{"name":"\\\\Uffffffff","type":"file"}]}',
    'has an extended attribute without a name': `{"nodes":[${nodeWith(',"extended_attributes":[{}]')}]}`,
  };
  for (const [what, json] of Object.entries(damaged))
    test(`that ${what} is reported as damaged`, () => {
      assert.throws(() => decodeTree(Buffer.from(json), blob), {
        code: 'REPOSITORY_DAMAGED',
        message: new RegExp(`^tree ${blob} is damaged: `),
      });
    });

  test('with fields of a newer restic is read', () => {
    const node = decodeOne(nodeWith(',"generic_attributes":{"windows.x":"y"},"mode":420,"future":[1]'));
    assert.equal(node.meta.mode, 0o644);
    assert.deepEqual(node.content, []);
  });
});

test('an owner whose number is too large to be one is not taken for root', () => {
  const [node] = decodeTree(
    Buffer.from('{"nodes":[{"name":"a","type":"file","uid":9007199254740993,"gid":18446744073709551615}]}'),
    blob,
  );
  assert.ok(Number(node?.meta.uid) > 2 ** 32);
  assert.ok(Number(node?.meta.gid) > 2 ** 32);
});
