// Which folders and files were asked for, and where they lie in the snapshot.
import { type BigIntStats, statSync } from 'node:fs';
import { basename, dirname, parse, resolve } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { fsPath, slashed } from '#lib/file-name.ts';
import type { FilesConfig } from './options.ts';
import { reasonOf } from './system-error.ts';

/** A folder on the way to what was asked for (`asked` false), or what was asked for itself. */
export interface Root {
  readonly asked: boolean;
  /** What else was asked for below it, by name. */
  readonly within: ReadonlyMap<string, Root>;
}

/** The root of the snapshot: the folder on disk that its empty path stands for. */
export interface Plan {
  readonly folder: string;
  readonly root: Root;
}

/** The absolute paths asked for, with slashes. */
export const pathsAsked = ({ path, paths }: FilesConfig): string[] =>
  (paths ?? [path ?? '.']).map((given) => slashed(resolve(given)));

/**
 * One folder is the root itself, one file lies in the root, and of several paths each lies under its absolute path (without the drive).
 * SOURCE_UNREACHABLE when none of them is there; one of several that is missing is reported by the walk.
 */
export const planOf = (config: FilesConfig): Plan => {
  const paths = pathsAsked(config);
  const found = paths.map((path) => attempt(path));
  const failure = found.find((stat) => stat instanceof HoldfastError);
  if (failure && !found.some((stat) => !(stat instanceof HoldfastError))) throw failure;
  if (config.paths) return { folder: driveOf(paths), root: treeOf(paths) };
  const [path = ''] = paths;
  const [stat] = found;
  if (stat && !(stat instanceof HoldfastError) && stat.isDirectory())
    return { folder: path, root: asked(new Map()) };
  return {
    folder: dirname(path),
    root: { asked: false, within: new Map([[basename(path), asked(new Map())]]) },
  };
};

/** `/`, but for Windows. */
const driveOf = (paths: readonly string[]): string => {
  const [drive = '/', other] = new Set(paths.map((path) => parse(path).root));
  if (other === undefined) return drive;
  throw new HoldfastError('CONFIG_INVALID', `one source cannot have paths on ${drive} and on ${other}`, {
    hint: 'make a source for each drive',
  });
};

/** What was asked for is seen through a symlink; below it none is followed. */
export const statAsked = (path: string): BigIntStats => statSync(fsPath(path), { bigint: true });

const attempt = (path: string): BigIntStats | HoldfastError => {
  try {
    return statAsked(path);
  } catch (cause) {
    return new HoldfastError('SOURCE_UNREACHABLE', `cannot read ${path}: ${reasonOf(cause)}`, {
      hint: 'check the path, and that this user may read it',
      cause,
    });
  }
};

const asked = (within: ReadonlyMap<string, Root>): Root => ({ asked: true, within });

const treeOf = (paths: readonly string[]): Root => {
  const parts = paths.map((path) =>
    path
      .slice(parse(path).root.length)
      .split('/')
      .filter((part) => part !== ''),
  );
  const build = (below: readonly (readonly string[])[]): Root => {
    const names = new Set(below.flatMap(([name]) => name ?? []));
    const within = new Map(
      [...names].map((name) => [
        name,
        build(below.filter(([first]) => first === name).map(([, ...rest]) => rest)),
      ]),
    );
    return { asked: below.some((rest) => rest.length === 0), within };
  };
  return build(parts);
};
