// The local store and restic's local backend share a folder without minding each other.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openLocalStore } from '#stores/local/local.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('a folder that restic made', { skip: skipWithoutRestic() ?? false }, () => {
  for (const version of ['old', 'new'] as const)
    test(`is read as a store, and what an interrupted put leaves there does not disturb the ${version} restic`, async () => {
      const binary = (await resticBinaries())[version];
      const folder = temporaryFolder('restic-local');
      const repository = join(folder, 'repository');
      mkdirSync(join(folder, 'data'));
      writeFileSync(join(folder, 'data', 'file'), 'content');
      await runRestic(binary, ['init'], { repository });
      await runRestic(binary, ['backup', join(folder, 'data')], { repository });

      await using store = openLocalStore(repository);
      const keys = await Array.fromAsync(store.list(''), ({ key }) => key);
      assert.ok(keys.includes('config'));
      for (const kind of ['keys', 'index', 'snapshots', 'data'])
        assert.ok(
          keys.some((key) => new RegExp(`^${kind}/(\\w\\w/)?[0-9a-f]{64}$`).test(key)),
          kind,
        );

      for (const key of keys.filter((each) => !each.startsWith('locks/')))
        writeFileSync(join(repository, `${key}-tmp-123456789`), 'half of an obj');
      await runRestic(binary, ['check', '--read-data'], { repository });
      await runRestic(binary, ['forget', '--keep-last', '1', '--prune'], { repository });
      const { stdout } = await runRestic(binary, ['dump', 'latest', join(folder, 'data', 'file')], {
        repository,
      });
      assert.equal(String(stdout), 'content');
      assert.deepEqual((await Array.fromAsync(store.list(''), ({ key }) => key)).toSorted(), keys.toSorted());
    });
});
