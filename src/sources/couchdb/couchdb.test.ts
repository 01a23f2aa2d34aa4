import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { skipWithoutCouch, startCouch } from '../../../test/servers/couchdb.ts';
import { stillOpen } from '../../../test/tools/still-open.ts';
import { sourceContract } from '../contract.ts';
import { databasePath } from './layout.ts';
import { fillWithManyKinds, oddName, openCouch, seenIn } from './testing.ts';

suite('the databases of a CouchDB server', { skip: (await skipWithoutCouch()) ?? false }, () => {
  sourceContract('couchdb', async () => {
    const original = await startCouch();
    const copy = await startCouch();
    const databases = ['shop', oddName(original), 'empty'];
    await fillWithManyKinds(original);
    return {
      open: (signal) => openCouch(original, {}, { signal }),
      async emptyTarget() {
        for (const name of (await copy.ask('GET', '/_all_dbs')) as string[])
          if (!name.startsWith('_')) await copy.ask('DELETE', `/${encodeURIComponent(name)}`);
        return await openCouch(copy);
      },
      async same() {
        assert.deepEqual(await seenIn(copy, databases), await seenIn(original, databases));
      },
      keeps: ['mode'],
      told: withoutSequences,
      manifests: databases.map((name) => `${databasePath(name)}/manifest.json`),
      knowsUnchanged: false,
      openThings: () => stillOpen(() => original.connections()),
      async [Symbol.asyncDispose]() {
        await original[Symbol.asyncDispose]();
        await copy[Symbol.asyncDispose]();
      },
    };
  });
});

/** Sequences, and when a database was made, are each server's own. */
const withoutSequences = (path: string, content: Uint8Array): Uint8Array =>
  /\/(00-database\.json|index\.jsonl)$/.test(path)
    ? Buffer.from(
        Buffer.from(content)
          .toString()
          .replaceAll(/"(updateSeq|purgeSeq|since|createdAt)": ?"[^"]*"/g, '"$1":""'),
      )
    : content;
