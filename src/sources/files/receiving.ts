// A folder that is kept fresh: its path is a symbolic link to the version that readers see, and each snapshot is restored as a
// version of its own, to which the link is moved in one step.
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { makeOpenFolder } from '#lib/make-folder.ts';
import { type Mark, markSchema, type Receiver, type Receiving } from '../receiver.ts';
import type { Source } from '../source.ts';
import type { FilesConfig } from './options.ts';
import { removeTree } from './remove-tree.ts';

/** `open` gives a source on another configuration, which writes as this one does. */
export const receiver = (
  config: FilesConfig,
  context: Context,
  open: (config: FilesConfig) => Source,
): Receiver => ({
  takesChanges: false,
  async openReceiving() {
    if (config.path === undefined)
      throw new HoldfastError('CONFIG_INVALID', 'several paths cannot be received into', {
        hint: 'give the source one `path`',
      });
    return openReceiving(resolve(config.path), context, (path) => open({ ...config, path }));
  },
});

const openReceiving = (path: string, { signal, log }: Context, open: (path: string) => Source): Receiving => {
  const versions = join(dirname(path), `.${basename(path)}.received`);
  assertOurs(path, versions);
  let current = versionOf(path);
  let mark = current === undefined ? undefined : readMark(versions, current);
  if (current !== undefined && mark === undefined)
    log.warn({ path }, 'nothing tells which snapshot was received there: the newest is loaded');
  removeOthers(versions, [current]);
  let loaded: { readonly version: string; readonly mark: Mark } | undefined;
  return {
    get mark() {
      return mark;
    },
    async load(entries, { mark: own, onProgress }) {
      makeOpenFolder(versions);
      const version = freeVersion(versions, own.snapshot.slice(0, 16));
      await using source = open(join(versions, version));
      const report = await source.restore(entries, { force: false, rename: [], onProgress });
      const [failure] = report.failures;
      if (failure) throw failure.error;
      writeFileSync(markFile(versions, version), JSON.stringify(own), { flush: true });
      loaded = { version, mark: own };
      return report;
    },
    async apply() {
      throw new HoldfastError('UNSUPPORTED', 'folders take complete snapshots only');
    },
    async publish() {
      throwIfCancelled(signal);
      if (loaded === undefined) throw new HoldfastError('FAILED', 'nothing was loaded');
      const link = join(versions, 'next');
      rmSync(link, { force: true });
      symlinkSync(join(basename(versions), loaded.version), link);
      if (existsSync(path) && lstatSync(path).isDirectory()) rmdirSync(path); // it is empty
      renameSync(link, path);
      // Who is reading in the version before this one may go on until the next one comes.
      removeOthers(versions, [loaded.version, current]);
      current = loaded.version;
      ({ mark } = loaded);
      loaded = undefined;
    },
    async [Symbol.asyncDispose]() {
      if (loaded) removeOthers(versions, [current]);
    },
  };
};

const markFile = (versions: string, version: string): string => join(versions, `${version}.json`);

const versionOf = (path: string): string | undefined =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? basename(readlinkSync(path)) : undefined;

/** Undefined when it is lost, or what it is of. */
const readMark = (versions: string, version: string): Mark | undefined => {
  if (!existsSync(join(versions, version))) return undefined;
  try {
    return markSchema.parse(JSON.parse(readFileSync(markFile(versions, version), 'utf8')));
  } catch (error) {
    if (systemCode(error) === undefined || systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/** Never the one that readers see, although nothing may tell what it is. */
const freeVersion = (versions: string, name: string): string =>
  existsSync(join(versions, name)) ? freeVersion(versions, `${name}-again`) : name;

/** A folder with something in it, or a link to elsewhere, is not ours to replace. */
const assertOurs = (path: string, versions: string): void => {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  const isFree = stat === undefined || (stat.isDirectory() && readdirSync(path).length === 0);
  const isOurs = stat?.isSymbolicLink() && dirname(resolve(dirname(path), readlinkSync(path))) === versions;
  if (isFree || isOurs) return;
  throw new HoldfastError('TARGET_NOT_EMPTY', `${path} is something that was not received`, {
    hint: 'receive into another path, or move this one away: in its place will be a link to what was received',
  });
};

const removeOthers = (versions: string, kept: readonly (string | undefined)[]): void => {
  if (!existsSync(versions)) return;
  for (const name of readdirSync(versions))
    if (!kept.includes(name.replace(/\.json$/, ''))) removeTree(join(versions, name));
};
