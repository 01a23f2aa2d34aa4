// The target folder as a restore moves through it. Whatever a snapshot made by a stranger says, or anybody does in the
// target meanwhile, nothing is written outside of it: every folder on the way is a real one, made or looked at here and
// (on Linux) held open, so that a path is never followed through a symlink that took a folder's place.
import { closeSync, constants, existsSync, lstatSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { fsPath } from '#lib/file-name.ts';
import type { EntryMeta } from '../source.ts';
import { unsafeComponent } from './safe-path.ts';

/** A name in a real folder of the target. */
export interface Place {
  readonly folder: HeldFolder;
  readonly name: string;
}

/** What to give to node:fs for it. */
export const pathOf = ({ folder, name }: Place): string | Buffer => fsPath(`${folder.prefix}${name}`);

/** A real folder of the target. */
export interface HeldFolder {
  /** In the snapshot; '' is the target itself. */
  readonly path: string;
  /** What a name is appended to, to reach it on disk. */
  readonly prefix: string;
  /** Where folders can be held open. */
  readonly file?: number;
  /** To be restored when all in it is written. */
  meta?: EntryMeta;
  /** Whose a new file in it is, once that has been seen; unknown where it depends. */
  habit?: { readonly uid: number; readonly gid: number } | 'unknown';
}

/** Goes from folder to folder in the order of a dump; `onLeave` is called for each folder after everything in it. */
export class TargetTree {
  readonly #onLeave: (folder: HeldFolder) => void;
  readonly #holds: boolean;
  readonly #stack: [HeldFolder, ...HeldFolder[]];

  /** `target` is an absolute path without symlinks; `holds`, whether folders can be held open. */
  constructor(target: string, onLeave: (folder: HeldFolder) => void, holds = canHold) {
    this.#onLeave = onLeave;
    this.#holds = holds;
    this.#stack = [hold('', target, holds)];
  }

  get root(): HeldFolder {
    return this.#stack[0];
  }

  /** Where a path leads, whose folder is made if it is missing. PATH_UNSAFE when the path would lead out of the target. */
  placeOf(path: string): Place {
    const cut = path.lastIndexOf('/');
    const name = path.slice(cut + 1);
    checkComponent(path, name);
    if (cut === 0) throw unsafe(path, 'it is absolute');
    return { folder: this.#folder(cut < 0 ? '' : path.slice(0, cut)), name };
  }

  /** Makes a folder, or takes the one that is there; `replace` lets it take the place of a file or symlink. */
  enter(path: string, meta: EntryMeta, replace: boolean): void {
    const { folder, name } = this.placeOf(path);
    this.#push(folder, name, path, replace).meta = meta;
  }

  /** Runs `use` with a folder that was written before and may have been left since. */
  withEarlier<Result>(path: string, use: (place: Place) => Result): Result {
    const held: HeldFolder[] = [];
    let folder = this.root;
    try {
      const parts = path.split('/');
      for (const part of parts.slice(0, -1)) {
        folder = hold(
          folder.path === '' ? part : `${folder.path}/${part}`,
          `${folder.prefix}${part}`,
          this.#holds,
        );
        held.push(folder);
      }
      return use({ folder, name: parts.at(-1) as string });
    } finally {
      for (const one of held) release(one);
    }
  }

  /** Leaves every folder, the target last. */
  leaveAll(): void {
    while (this.#stack.length > 0) this.#pop();
  }

  /** Lets go of what is held, without a call of `onLeave`. */
  close(): void {
    for (const folder of this.#stack.splice(0)) release(folder);
  }

  #folder(path: string): HeldFolder {
    let top = this.#top();
    while (top.path !== path && top.path !== '' && !path.startsWith(`${top.path}/`)) {
      this.#pop();
      top = this.#top();
    }
    if (top.path === path) return top;
    const missing = path.slice(top.path === '' ? 0 : top.path.length + 1).split('/');
    for (const name of missing) {
      checkComponent(path, name);
      top = this.#push(top, name, top.path === '' ? name : `${top.path}/${name}`, false);
    }
    return top;
  }

  #push(parent: HeldFolder, name: string, path: string, replace: boolean): HeldFolder {
    const place = `${parent.prefix}${name}`;
    make(place, path, replace);
    const folder = hold(path, place, this.#holds);
    this.#stack.push(folder);
    return folder;
  }

  #pop(): void {
    const folder = this.#stack.pop();
    if (!folder) return;
    try {
      this.#onLeave(folder);
    } finally {
      release(folder);
    }
  }

  #top(): HeldFolder {
    return this.#stack.at(-1) as HeldFolder;
  }
}

/** Whether things can be held open and reached by what holds them. */
export const canHold = process.platform === 'linux' && existsSync('/proc/self/fd');

/** Takes hold of a folder that must be real: not a symlink, not a file. */
const hold = (path: string, place: string, holds: boolean): HeldFolder => {
  if (!holds) {
    if (!lstatSync(fsPath(place)).isDirectory()) throw inTheWay(path, place);
    return { path, prefix: `${place}/` };
  }
  try {
    const file = openSync(fsPath(place), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return { path, prefix: `/proc/self/fd/${file}/`, file };
  } catch (error) {
    throw ['ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '') ? inTheWay(path, place) : error;
  }
};

const release = ({ file }: HeldFolder): void => {
  if (file !== undefined) closeSync(file);
};

const make = (place: string, path: string, replace: boolean): void => {
  try {
    mkdirSync(fsPath(place), 0o700);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    if (lstatSync(fsPath(place)).isDirectory()) return;
    if (!replace) throw inTheWay(path, place);
    unlinkSync(fsPath(place));
    mkdirSync(fsPath(place), 0o700);
  }
};

const inTheWay = (path: string, place: string): HoldfastError =>
  lstatSync(fsPath(place), { throwIfNoEntry: false })?.isSymbolicLink()
    ? unsafe(path, 'a symlink stands where the folder should be')
    : new HoldfastError('TARGET_FAILED', `cannot make the folder ${path}: a file is in its place`, {
        hint: 'move it away, or restore into an empty folder',
      });

const checkComponent = (path: string, name: string): void => {
  const reason = unsafeComponent(name);
  if (reason) throw unsafe(path, reason);
};

const unsafe = (path: string, reason: string): HoldfastError =>
  new HoldfastError('PATH_UNSAFE', `${JSON.stringify(path)} is not written: ${reason}`, {
    hint: 'look at this entry with `holdfast ls`; `holdfast dump` gives its content',
  });
