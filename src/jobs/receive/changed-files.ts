// The files of a partial snapshot, into the folder where the receiver has such files: each is whole when it is there, and all of
// them are there before the rows that name them.
import { randomBytes } from 'node:crypto';
import { createWriteStream, realpathSync, rmSync } from 'node:fs';
import { chmod, rename, utimes } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '#lib/errors.ts';
import { makeOpenFolder } from '#lib/make-folder.ts';
import { isSafeName } from '#sources/named-files.ts';
import { changedFilesFolder } from '#sources/receiver.ts';
import type { Entry } from '#sources/source.ts';

/** Passes all other entries on. UNSUPPORTED for files when no folder is told. */
export async function* takeFiles(
  entries: AsyncIterable<Entry>,
  folder: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  const prefix = `${changedFilesFolder}/`;
  for await (const entry of entries) {
    if (entry.path !== changedFilesFolder && !entry.path.startsWith(prefix)) yield entry;
    else if (entry.type === 'file') await writeFile(entry, entry.path.slice(prefix.length), folder, signal);
  }
}

const writeFile = async (
  { content, meta }: Entry,
  name: string,
  folder: string | undefined,
  signal: AbortSignal,
): Promise<void> => {
  if (folder === undefined)
    throw new HoldfastError('UNSUPPORTED', `the partial snapshot brings files, such as ${name}`, {
      hint: 'say where they go, as `files` beside `source`',
    });
  if (!isSafeName(name) || content === undefined)
    throw new HoldfastError('PATH_UNSAFE', `the snapshot has the file ${JSON.stringify(name)}`);
  const path = join(folder, name);
  makeOpenFolder(dirname(path));
  const root = realpathSync(folder);
  if (!`${realpathSync(dirname(path))}${sep}`.startsWith(root + sep))
    throw new HoldfastError('PATH_UNSAFE', `${path} lies outside ${folder}, behind a link`);
  const part = join(dirname(path), `.holdfast-${randomBytes(6).toString('hex')}`);
  try {
    const file = createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true });
    await pipeline(Readable.from(content(), { objectMode: false }), file, { signal });
    await chmod(part, (meta.mode ?? 0o644) & 0o777);
    if (meta.mtime !== undefined)
      await utimes(part, Number(meta.mtime / 1_000_000n) / 1000, Number(meta.mtime / 1_000_000n) / 1000);
    await rename(part, path);
  } finally {
    rmSync(part, { force: true });
  }
};
