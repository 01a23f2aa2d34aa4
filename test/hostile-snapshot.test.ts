// A snapshot made by somebody who wants to write where he may not: whatever its trees say, a restore stays in its target.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { decodeName } from '#lib/file-name.ts';
import type { Snapshot } from '#repository/contract.ts';
import { type BlobType, packKey } from '#repository/packs/blob.ts';
import { type IndexedPack, saveIndex } from '#repository/packs/index-file.ts';
import { PackBuilder } from '#repository/packs/pack-builder.ts';
import { decodeHeader } from '#repository/packs/pack-format.ts';
import { Sealer } from '#repository/sealing/seal.ts';
import { saveSnapshot } from '#repository/snapshot.ts';
import { type TestRepository, testRepository } from '#repository/testing.ts';
import { encodeTree, type TreeNode } from '#repository/trees/tree.ts';
import { joined } from '#repository/trees/tree-parts.ts';
import { filesSource } from '#sources/files/testing.ts';
import type { RestoreReport } from '#sources/source.ts';
import { intoEmpty } from '#sources/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { runCli } from './tools/cli.ts';
import { temporaryFolder } from './tools/temp.ts';

/** A node, or a directory with its children, exactly as given: nothing is sorted, checked or mended. */
type Crafted = Omit<TreeNode, 'content' | 'subtree' | 'meta'> & {
  readonly meta?: TreeNode['meta'];
  readonly children?: readonly Crafted[];
};

const file = (name: string, meta: TreeNode['meta'] = {}): Crafted => ({ name, type: 'file', meta });
const dir = (name: string, ...children: readonly Crafted[]): Crafted => ({ name, type: 'dir', children });
const symlink = (name: string, linkTarget: string): Crafted => ({
  name,
  type: 'symlink',
  meta: { linkTarget },
});

/** Stores a snapshot with these nodes at its top, as whoever has the password can. */
const craft = async ({ store, key }: TestRepository, top: readonly Crafted[]): Promise<Snapshot> => {
  const sealer = new Sealer(key);
  const stored = new Map<BlobType, PackBuilder>();
  const known = new Set<string>();
  const put = (type: BlobType, bytes: Uint8Array): string => {
    const id = hash('sha256', bytes, 'hex');
    const builder = stored.get(type) ?? new PackBuilder({ sealer, type, level: 3, verify: true });
    stored.set(type, builder);
    if (!known.has(`${type} ${id}`)) builder.add(id, bytes);
    known.add(`${type} ${id}`);
    return id;
  };
  const content = put('data', Buffer.from('pwned'));
  const putTree = (nodes: readonly Crafted[]): string =>
    put(
      'tree',
      joined(
        encodeTree(
          nodes.map(({ children, meta = {}, ...node }) => ({
            ...node,
            meta: { mode: node.type === 'dir' ? 0o755 : 0o644, uid: 0, gid: 0, size: 5, ...meta },
            ...(node.type === 'file' && { content: [content] }),
            ...(children && { subtree: putTree(children) }),
          })),
        ),
      ),
    );
  const tree = putTree(top);
  const packs: IndexedPack[] = [];
  for (const builder of stored.values()) {
    const { id, header, bytes } = builder.finish();
    await store.put(packKey(id), bytes);
    packs.push({ id, entries: decodeHeader(header) });
  }
  await saveIndex(store, sealer, packs);
  return await saveSnapshot(store, sealer, {
    time: new Date('2026-11-21T03:00:00Z'),
    tree,
    paths: ['/'],
    hostname: 'elsewhere',
    username: 'mallory',
    tags: [],
  });
};

const invalid = decodeName(Buffer.of(0x66, 0xff, 0xfe));

/** What a restore may refuse, and must never write outside. */
const hostileTo = (outside: string): readonly Crafted[] => [
  file('../outside/by-dots'),
  file(`../../../../../../../../../..${outside}/by-root`),
  file(`${outside}/absolute`),
  file('..'),
  file('.'),
  file('a/b'),
  file('nul\0byte'),
  dir('..', file('outside'), dir('outside', file('by-folder'))),
  dir('../outside', file('by-name')),
  dir(outside, file('by-absolute-folder')),
  dir('deep', dir('..', dir('..', dir('outside', file('by-climbing'))))),
  symlink('link', '../outside'),
  dir('link', file('through-link')),
  file('link/through-name'),
  symlink('absolute', outside),
  file('absolute/through-link'),
  symlink('secret', '../outside/secret'),
  file('secret'),
  file('linked', { links: 2, inode: 7n, deviceId: 1n }),
  file('../outside/hard-link', { links: 2, inode: 7n, deviceId: 1n }),
  symlink('self', 'self'),
  dir('self', file('x')),
  { name: '../outside/fifo', type: 'fifo' },
  { name: '../outside/null', type: 'chardev', meta: { device: 259n } },
];

/** What is odd and harmless comes back under its own name. */
const odd: readonly string[] = [
  'new\nline',
  'n'.repeat(255),
  invalid,
  '...',
  '-rf',
  ' ',
  '\\..\\..',
  '~',
  '%2e%2e%2f',
  '\u202egnp.exe',
];

const scene = () => {
  const folder = temporaryFolder('hostile');
  const target = join(folder, 'target');
  mkdirSync(target);
  mkdirSync(join(folder, 'outside'));
  writeFileSync(join(folder, 'outside', 'secret'), 'untouched');
  return {
    folder,
    target,
    hostile: hostileTo(join(folder, 'outside')),
    assertUntouched(): void {
      assert.deepEqual(
        readdirSync(folder).sort(),
        ['outside', 'repository', 'target'].filter((name) => existsSync(join(folder, name))),
      );
      assert.deepEqual(readdirSync(join(folder, 'outside')), ['secret']);
      assert.equal(readFileSync(join(folder, 'outside', 'secret'), 'utf8'), 'untouched');
      assert.equal(lstatSync(join(folder, 'outside', 'secret')).nlink, 1);
    },
  };
};

const restore = async (nodes: readonly Crafted[], target: string, force = false): Promise<RestoreReport> => {
  const repository = await testRepository();
  const snapshot = await craft(repository, nodes);
  await using opened = await repository.open();
  return await filesSource({ path: target }).restore(opened.read(snapshot), { ...intoEmpty, force });
};

suite('a hostile snapshot', () => {
  for (const force of [false, true])
    test(`writes nothing outside of the target, and what it tries is named${force ? ' (with --force)' : ''}`, async () => {
      const { folder, target, hostile, assertUntouched } = scene();
      const { failures } = await restore(hostile, target, force);
      assertUntouched();
      const unsafe = failures.filter(({ error }) => hasCode(error, 'PATH_UNSAFE')).map(({ path }) => path);
      for (const path of [
        '../outside/by-dots',
        `${folder}/outside/absolute`,
        '..',
        '.',
        'nul\0byte',
        '../outside/fifo',
        '../outside/hard-link',
      ])
        assert.ok(unsafe.includes(path), `${JSON.stringify(path)} in ${JSON.stringify(unsafe)}`);
    });

  test('one trick at a time writes nothing outside either', async () => {
    for (const at of hostileTo('').keys()) {
      const { target, hostile, assertUntouched } = scene();
      const node = hostile[at] as Crafted;
      await restore([symlink('link', '../outside'), node, file('after')], target);
      assertUntouched();
      assert.equal(
        readFileSync(join(target, 'after'), 'utf8'),
        'pwned',
        `${node.name}: the rest is restored`,
      );
    }
  });

  test('with odd names that harm nobody is restored whole, in whatever order they stand', async () => {
    for (const names of [odd, odd.toReversed()]) {
      const { target, assertUntouched } = scene();
      const { failures } = await restore(
        names.map((name) => file(name)),
        target,
      );
      assert.deepEqual(failures, []);
      assert.deepEqual(readdirSync(target, { encoding: 'buffer' }).map(decodeName).sort(), odd.toSorted());
      assertUntouched();
    }
  });

  test('with a name that no file system takes loses only that, and says so', async () => {
    const { target } = scene();
    const tooLong = 'n'.repeat(256);
    const { failures } = await restore([file(tooLong), file('after')], target);
    assert.deepEqual(
      failures.map(({ path }) => path),
      [tooLong],
    );
    assert.deepEqual(readdirSync(target), ['after']);
  });

  test('makes the command end with status 3, naming each thing it did not write', async () => {
    const { folder, target, hostile, assertUntouched } = scene();
    await using store = openLocalStore(join(folder, 'repository'));
    const snapshot = await craft(await testRepository(store), [...hostile, file('after')]);
    const env = { HOLDFAST_REPOSITORY: store.localFolder, HOLDFAST_PASSWORD: 'secret' };
    const listed = await runCli(['ls', snapshot.id.slice(0, 8)], { env });
    assert.equal(listed.status, 0, listed.stderr);
    const { status, stderr, stdout } = await runCli(['restore', snapshot.id.slice(0, 8), '--to', target], {
      env,
    });
    assert.equal(status, 3, stderr + stdout);
    assertUntouched();
    assert.match(stderr, /\.\.\/outside\/by-dots/);
    assert.equal(readFileSync(join(target, 'after'), 'utf8'), 'pwned');
    assert.ok(
      !`${listed.stdout}${stderr}`.includes('\0'),
      'names are printed so that they cannot drive a terminal',
    );
  });

  test('whose file has another size than it says is named by a dump of its folder', async () => {
    const { folder } = scene();
    await using store = openLocalStore(join(folder, 'repository'));
    const env = { HOLDFAST_REPOSITORY: store.localFolder, HOLDFAST_PASSWORD: 'secret' };
    const repository = await testRepository(store);
    for (const size of [-1, 2, 2 ** 40]) {
      const { id } = await craft(repository, [dir('d', file('odd', { size }))]);
      const { status, stderr } = await runCli(['dump', id, '/d'], { env });
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`/d/odd has not the ${size} bytes[^]*hint:`));
    }
  });
});
