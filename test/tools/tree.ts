// Folders of files as real ones are: odd names, links, holes, old dates.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Random } from '#lib/random.ts';
import { randomBytes } from './random.ts';

export interface TreeOptions {
  readonly files: number;
  /** Sizes are spread below this, most of them small. */
  readonly largestBytes?: number;
}

/** Fills the folder with sub-folders of plain files. Returns their paths. */
export const writeFiles = (folder: string, random: Random, options: TreeOptions): string[] => {
  const largest = options.largestBytes ?? 8192;
  return Array.from({ length: options.files }, (_, index) => {
    const parent = join(folder, `folder ${index % 7}`, index % 3 === 0 ? 'deep/er' : '');
    mkdirSync(parent, { recursive: true });
    const path = join(parent, `file-${index}.dat`);
    const size = Math.floor(largest * random.next() ** 4);
    writeFileSync(path, random.chance(0.5) ? Buffer.alloc(size, `${index} `) : randomBytes(random, size));
    const seconds = 1.6e9 + random.integer(0, 1e8) + 0.123456;
    utimesSync(path, seconds, seconds);
    return path;
  });
};

/** Names that break careless tools; each is legal on Linux. Those with bytes that are not UTF-8 are Buffers. */
const oddNames: readonly (string | Buffer)[] = [
  'two\nlines',
  'tab\tand "quotes" and \'more\'',
  '-rf',
  '$HOME `id` ;|&',
  '*?[a]{b}',
  'back\\slash',
  ' leading and trailing ',
  '...',
  'é composed',
  'e\u0301 decomposed',
  '漢字 🦭',
  '\u0001\u001f\u007f control',
  'n'.repeat(255),
  Buffer.from([0x66, 0xff, 0xfe, 0x80, 0x2e, 0x74]),
  Buffer.from([0xc3]),
];

/** Fills the folder with every kind of thing a file system can hold without privileges. */
export const writeOddTree = (folder: string): void => {
  mkdirSync(folder, { recursive: true });
  const base = Buffer.from(`${folder}/`);
  for (const name of oddNames) writeFileSync(Buffer.concat([base, Buffer.from(name)]), `content of ${name}`);
  mkdirSync(join(folder, 'empty folder'));
  writeFileSync(join(folder, 'empty file'), '');
  writeFileSync(join(folder, 'linked'), 'one file, two names');
  linkSync(join(folder, 'linked'), join(folder, 'linked again'));
  symlinkSync('linked', join(folder, 'symlink'));
  symlinkSync('/nowhere/at all', join(folder, 'dangling'));
  symlinkSync(Buffer.from([0x2e, 0x2f, 0xff]), join(folder, 'symlink to bytes'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  writeFileSync(join(folder, 'sparse'), 'start');
  truncateSync(join(folder, 'sparse'), 3 * 1024 * 1024);
  writeFileSync(join(folder, 'setuid'), '#!/bin/sh\n');
  chmodSync(join(folder, 'setuid'), 0o4755);
  writeFileSync(join(folder, 'secret'), 'x');
  chmodSync(join(folder, 'secret'), 0);
  writeFileSync(join(folder, 'before the epoch'), 'old');
  utimesSync(join(folder, 'before the epoch'), -1.5, -86_400.25);
};
