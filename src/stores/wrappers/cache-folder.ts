// Files kept on this machine because they are read again and again. Whoever deletes them loses time only.
import { createHash } from 'node:crypto';
import { lstat, open, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asError, messageOf, systemCode } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import { makeFolder } from '#lib/make-folder.ts';
import type { ByteRange } from '../store.ts';
import { temporaryName } from '../temporary-name.ts';

export interface CacheFolderOptions {
  readonly folder: string;
  /** When it holds more, what was not used for the longest time goes. */
  readonly maxBytes: number;
  readonly log: Log;
}

/** Tells backup programs to leave the folder out (https://bford.info/cachedir/). */
const tag = 'Signature: 8a477f597d28d172789f06886806bc55\n# Made by Holdfast; may be removed at any time.\n';

/** What is kept below this is not named by what it holds. */
export const notes = 'notes';

/** Objects whose name ends in the SHA-256 of what they hold, and notes. A file that does not fit its name counts as absent. */
export class CacheFolder {
  readonly #options: CacheFolderOptions;
  /** Fit their names when this process first looked. */
  readonly #verified = new Set<string>();
  /** Undefined until something is written. */
  #bytes: Promise<number> | undefined;
  #evicting: Promise<void> = Promise.resolve();
  #broken = false;

  constructor(options: CacheFolderOptions) {
    this.#options = options;
  }

  /** The object or that range of it; undefined when it is not here. */
  read(key: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    return this.#quietly(async () => {
      const path = this.#path(key);
      if (range !== undefined && this.#verified.has(key)) return await readRange(path, range);
      if (!(await lstat(path)).isFile()) return undefined; // a pipe would be waited for, and a device has no end
      const bytes = await readFile(path);
      if (!fitsName(key, bytes)) {
        await unlink(path);
        return undefined;
      }
      this.#verified.add(key);
      const now = new Date();
      await utimes(path, now, now);
      return part(bytes, range);
    });
  }

  /** Keeps an object, unless it does not fit its name. */
  async write(key: string, bytes: Uint8Array): Promise<void> {
    if (!fitsName(key, bytes)) return;
    await this.#quietly(async () => {
      const path = this.#path(key);
      await this.#makeFolders(dirname(path));
      const temporary = temporaryName(path);
      try {
        await writeFile(temporary, bytes, { mode: 0o600, flag: 'wx' });
        await rename(temporary, path);
      } catch (error) {
        await unlink(temporary).catch(() => {}); // a disk that is full needs the room, and the first error tells
        throw error;
      }
      this.#verified.add(key);
      this.#bytes = this.#held().then((held) => held + bytes.length);
      if ((await this.#bytes) > this.#options.maxBytes) await this.#evict();
    });
  }

  async remove(key: string): Promise<void> {
    this.#verified.delete(key);
    await this.#quietly(() => unlink(this.#path(key)));
  }

  /** Packs lie in one folder here: there are few of them. */
  #path(key: string): string {
    return join(this.#options.folder, key.slice(0, key.indexOf('/')), key.slice(key.lastIndexOf('/') + 1));
  }

  async #makeFolders(path: string): Promise<void> {
    const made = makeFolder(path, 0o700);
    if (made.length > 0) await writeFile(join(this.#options.folder, 'CACHEDIR.TAG'), tag, { mode: 0o600 });
  }

  #held(): Promise<number> {
    this.#bytes ??= this.#files().then((files) => files.reduce((total, { size }) => total + size, 0));
    return this.#bytes;
  }

  /** One after the other: two at once would remove twice as much. */
  #evict(): Promise<void> {
    this.#evicting = this.#evicting.then(async () => {
      const { maxBytes } = this.#options;
      const files = (await this.#files()).toSorted((a, b) => a.usedMs - b.usedMs);
      let held = files.reduce((total, { size }) => total + size, 0);
      if (held > maxBytes)
        for (const { path, size } of files) {
          if (held <= maxBytes * 0.8) break;
          await unlink(path).catch(ignoreMissing); // another process may have been quicker
          held -= size;
        }
      this.#bytes = Promise.resolve(held);
    });
    return this.#evicting;
  }

  async #files(): Promise<{ readonly path: string; readonly size: number; readonly usedMs: number }[]> {
    const entries = await readdir(this.#options.folder, { recursive: true, withFileTypes: true });
    const files = [];
    for (const entry of entries) {
      if (!entry.isFile() || entry.name === 'CACHEDIR.TAG') continue;
      const path = join(entry.parentPath, entry.name);
      const found = await stat(path).catch(() => undefined); // another process has removed it
      if (found) files.push({ path, size: found.size, usedMs: found.mtimeMs });
    }
    return files;
  }

  /** A cache that does not work costs time and no backup: it is told once, and not used any more. */
  async #quietly<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#broken) return undefined;
    try {
      return await work();
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || this.#broken) return undefined;
      this.#broken = true;
      const { folder, log } = this.#options;
      log.warn({ folder, error: messageOf(asError(error)) }, 'the cache cannot be used');
      return undefined;
    }
  }
}

const ignoreMissing = (error: unknown): void => {
  if (systemCode(error) !== 'ENOENT') throw error;
};

const fitsName = (key: string, bytes: Uint8Array): boolean =>
  key.startsWith(`${notes}/`) ||
  createHash('sha256').update(bytes).digest('hex') === key.slice(key.lastIndexOf('/') + 1);

/** Undefined when the range is not all there: the store has the word on that. */
const part = (bytes: Uint8Array, range: ByteRange | undefined): Uint8Array | undefined => {
  if (range === undefined) return bytes;
  const end = range.offset + range.length;
  return end <= bytes.length ? bytes.subarray(range.offset, end) : undefined;
};

const readRange = async (path: string, { offset, length }: ByteRange): Promise<Uint8Array | undefined> => {
  await using file = await open(path);
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  return bytesRead === length ? bytes : undefined;
};
