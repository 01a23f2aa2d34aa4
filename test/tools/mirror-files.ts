// Files of mixed size with a list of them, of which some cannot be read and some are not what the list says.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seededRandom } from '../../src/lib/random.ts';

export interface MirrorFixture {
  readonly count: number;
  /** Paths that are listed and not there, or not as they are listed. */
  readonly missing: readonly string[];
  readonly damaged: readonly string[];
  readonly good: readonly string[];
  /** The list, as SQL that fills the table `listed`. */
  readonly sql: string;
  content(path: string): Buffer;
  /** Brings back what is missing or damaged. */
  repair(path: string): void;
}

const types = ['MD5', 'SHA-1', 'SHA-256', 'SHA-512'] as const;

/** The same for the same seed; `share` of the files each are missing and damaged. */
export const makeMirrorFiles = (folder: string, count: number, seed: string, share = 0.01): MirrorFixture => {
  const random = seededRandom(seed);
  const noise = createHash('shake256', { outputLength: 6 * 1024 * 1024 })
    .update(seed)
    .digest();
  const sizes = new Map<string, number>();
  const rows: string[] = [];
  const content = (path: string): Buffer =>
    Buffer.concat([Buffer.from(path), noise.subarray(0, Math.max(0, (sizes.get(path) ?? 0) - path.length))]);
  const write = (path: string, bytes: Uint8Array): void => {
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, bytes);
  };
  for (let index = 0; index < count; index += 1) {
    const path = `10.5072/FK2/${index % 23}/${index.toString(16)}-é`;
    // Most are small; two of 500 travel in pieces.
    sizes.set(path, index % 250 === 99 ? 5 * 1024 * 1024 : Math.floor(random.next() ** 6 * 300_000));
    const bytes = content(path);
    write(path, bytes);
    const type = random.pick(types);
    const sum = createHash(type.replace('-', '')).update(bytes).digest('hex');
    const created = new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString();
    rows.push(`('${path}', ${bytes.length}, '${type}', '${sum}', '${created}')`);
  }
  const wrong = Math.round(count * share);
  const shuffled = random.shuffle([...sizes.keys()]);
  const missing = shuffled.slice(0, wrong).toSorted();
  const damaged = shuffled.slice(wrong, 2 * wrong).toSorted();
  for (const path of missing) rmSync(join(folder, path));
  for (const path of damaged) write(path, Buffer.from(content(path)).fill(7, 0, 1));
  return {
    ...{ count, missing, damaged, content },
    good: shuffled.slice(2 * wrong).toSorted(),
    sql: `create table listed (path text, size bigint, checksum_type text, checksum text, created timestamptz);
      insert into listed values ${rows.join(',\n')};`,
    repair: (path) => write(path, content(path)),
  };
};
