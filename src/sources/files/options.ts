// The configuration of `kind: files`; where restic has the same option, the name and meaning are restic's.
import { z } from 'zod';
import { sizeBytes } from '#lib/byte-size.ts';
import { expandHome } from '#lib/home.ts';
import { oneOrMany } from '../patterns.ts';

const path = z.string().min(1).transform(expandHome);
const oneOrManyFiles = oneOrMany.transform((files): readonly string[] => files.map(expandHome));

const size = z
  .union([
    z.number().int().nonnegative(),
    z.string().regex(/^\d+[BKMGT]?$/i, 'write it as 500, 10K, 20M or 3G'),
  ])
  .transform((value): number => {
    const [, number = '', unit] = /^(\d+)([BKMGT]?)$/i.exec(String(value)) ?? [];
    return sizeBytes(number, unit);
  });

export const filesConfig = z
  .strictObject({
    path: path
      .optional()
      .describe(
        'A folder, whose contents lie directly in the snapshot, or a single file. For a restore: the target folder.',
      ),
    paths: z
      .array(path)
      .min(1)
      .optional()
      .describe(
        'Several folders and files; each lies in the snapshot under its absolute path. Instead of `path`.',
      ),
    exclude: oneOrMany.describe(
      'Patterns of what to leave out, as restic has them: *.tmp, node_modules, /srv/**/cache, !keep.tmp.',
    ),
    iexclude: oneOrMany.describe('The same, upper and lower case being equal.'),
    excludeFile: oneOrManyFiles.describe(
      'Files with such patterns, one a line; # begins a comment, $VARIABLES are replaced.',
    ),
    iexcludeFile: oneOrManyFiles.describe('The same, upper and lower case being equal.'),
    excludeIfPresent: oneOrMany.describe(
      'Leave out what lies in a folder that has a file of this name; «name:text» also asks that the file begins with the text.',
    ),
    excludeCaches: z
      .boolean()
      .default(false)
      .describe(
        'Leave out what lies in folders marked as caches by a CACHEDIR.TAG file (https://bford.info/cachedir).',
      ),
    excludeLargerThan: size
      .optional()
      .describe('Leave out files larger than this: bytes, or with K, M, G or T.'),
    oneFileSystem: z
      .boolean()
      .default(false)
      .describe('Do not go into other file systems mounted below the given folders.'),
    fsSnapshot: z
      .enum(['btrfs'])
      .optional()
      .describe(
        'Read from a read-only snapshot of the file system, so that all files are of one moment: of the subvolumes of btrfs.',
      ),
    readFrom: path
      .optional()
      .describe(
        'Where a hook mounts a snapshot of the file system of `path`, to be read in its place; paths and restores stay those of `path`.',
      ),
    ignoreInode: z
      .boolean()
      .default(false)
      .describe('A file is unchanged even when its inode number differs.'),
    ignoreCtime: z
      .boolean()
      .default(false)
      .describe('A file is unchanged even when its status-change time differs.'),
    withAtime: z
      .boolean()
      .default(false)
      .describe('Keep the times of last access; otherwise those of modification stand for them.'),
    xattrs: z
      .enum(['auto', 'off', 'required'])
      .default('auto')
      .describe(
        'Extended attributes and ACLs: where the platform lets us, never, or an error where it does not.',
      ),
    sparse: z
      .boolean()
      .default(true)
      .describe('On restore, leave holes in large files where whole blocks are zero.'),
    overwrite: z
      .enum(['always', 'if-changed'])
      .default('always')
      .describe(
        'On a restore over existing files: write all of them, or only those whose size or time differs.',
      ),
  })
  .refine(({ path, paths }) => (path === undefined) !== (paths === undefined), {
    message: 'give either path or paths',
    when: ({ issues }) => issues.length === 0, // a key that is misspelt is not also missed
    path: ['path'],
  })
  .refine(({ path, readFrom }) => readFrom === undefined || path !== undefined, {
    message: 'is for one `path`, not for several',
    path: ['readFrom'],
  })
  .refine(({ fsSnapshot, readFrom }) => readFrom === undefined || fsSnapshot === undefined, {
    message: 'is for snapshots that a hook makes, and `fsSnapshot` makes them itself',
    path: ['readFrom'],
  });

export type FilesConfig = z.infer<typeof filesConfig>;
