// Files on disk for the tools to back up.
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '#lib/random.ts';
import { noiseBytes } from './noise.ts';
import { orderBytes } from './orders.ts';

/** One file of these bytes; returns its path. */
export const writeBytes = (path: string, chunks: Iterable<Buffer>): string => {
  const file = openSync(path, 'wx');
  try {
    for (const chunk of chunks)
      for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done);
  } finally {
    closeSync(file);
  }
  return path;
};

const filesPerFolder = 100;
const averageBytes = 4096;

/**
 * So many small files in folders of a hundred, of 4 KiB on average, most of them smaller: three quarters text, the rest
 * noise. Returns the folder.
 */
export const writeSmallFiles = (folder: string, count: number): string => {
  const random = seededRandom('small files');
  const text = Buffer.concat([...orderBytes('small files', 16 * 1024 * 1024)]);
  const noise = Buffer.concat([...noiseBytes('small files', 16 * 1024 * 1024)]);
  for (let at = 0; at < count; at += 1) {
    const parent = join(
      folder,
      `${Math.floor(at / filesPerFolder / 20)}`,
      `folder ${Math.floor(at / filesPerFolder)}`,
    );
    if (at % filesPerFolder === 0) mkdirSync(parent, { recursive: true });
    const sizeBytes = Math.min(128 * 1024, Math.round(-Math.log(1 - random.next()) * averageBytes));
    const bytes = random.chance(0.75) ? text : noise;
    const from = random.integer(0, bytes.length - sizeBytes);
    writeFileSync(join(parent, `file ${at}.dat`), bytes.subarray(from, from + sizeBytes));
  }
  return folder;
};
