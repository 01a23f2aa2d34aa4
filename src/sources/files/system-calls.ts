// The few system calls that Node does not offer: times to the nanosecond, extended attributes, fifos and device nodes.
// They are bound where koffi is installed and their shape is known (64-bit Linux, glibc or musl).
import { constants } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { decodeName, encodeName } from '#lib/file-name.ts';

/** A symlink is never followed. Paths as lib/file-name.ts has them; failures carry the system's code as Node's do. */
export interface SystemCalls {
  /** Nanoseconds since the epoch. */
  setTimes(file: number, atime: bigint, mtime: bigint): void;
  setPathTimes(path: string, atime: bigint, mtime: bigint): void;
  /** Opens a new file in an open folder for writing; EEXIST when there is anything of that name. Gives its descriptor. */
  createFile(folder: number, name: string, mode: number): number;
  /** `mode` with its type bits; the process's umask applies. */
  makeNode(path: string, mode: number, device: bigint): void;
  /** Empty where the file system has no extended attributes. */
  xattrNames(path: string): readonly string[];
  /** Undefined when it has gone since it was listed. */
  xattr(path: string, name: string): Uint8Array | undefined;
  setXattr(file: number, name: string, value: Uint8Array): void;
  setPathXattr(path: string, name: string, value: Uint8Array): void;
}

/** Undefined where they cannot be had. */
export const loadSystemCalls = async (): Promise<SystemCalls | undefined> => {
  if (process.platform !== 'linux' || !architectures.has(process.arch)) return undefined;
  try {
    const koffi = await import('koffi');
    const library = koffi.default.load(null);
    return bind((prototype) => library.func(prototype) as Call, koffi.default.errno);
  } catch {
    return undefined; // an optional dependency: `check` says what is lost without it
  }
};

const architectures: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64', 'ppc64']);

type Call = (...values: unknown[]) => number;
type Path = string | Buffer;

/** linux/fcntl.h */
const atCurrentFolder = -100;
const atNoFollow = 0x100;
/** fcntl.h; Node sets O_CLOEXEC on what it opens itself. */
const createFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | 0o2000000;
/** linux/limits.h: XATTR_LIST_MAX and XATTR_SIZE_MAX. */
const xattrLimit = 65536;

const bind = (call: (prototype: string) => Call, errno: () => number): SystemCalls => {
  const openat = call('int openat(int folder, const char *name, int flags, uint32_t mode)');
  const futimens = call('int futimens(int fd, const void *times)');
  const utimensat = call('int utimensat(int folder, const char *path, const void *times, int flags)');
  const mknod = call('int mknod(const char *path, uint32_t mode, uint64_t device)');
  const llistxattr = call('int64_t llistxattr(const char *path, void *names, size_t size)');
  const lgetxattr = call('int64_t lgetxattr(const char *path, const char *name, void *value, size_t size)');
  const lsetxattr = call(
    'int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
  );
  const fsetxattr = call(
    'int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)',
  );
  const times = new BigInt64Array(4);
  const answer = Buffer.alloc(xattrLimit);

  const succeed = (result: number, name: string): number => (result < 0 ? fail(errno(), name) : result);
  const timespecs = (atime: bigint, mtime: bigint): BigInt64Array => {
    [times[0], times[1]] = secondsAndNanoseconds(atime);
    [times[2], times[3]] = secondsAndNanoseconds(mtime);
    return times;
  };
  return {
    setTimes: (file, atime, mtime) => void succeed(futimens(file, timespecs(atime, mtime)), 'futimens'),
    setPathTimes: (path, atime, mtime) =>
      void succeed(
        utimensat(atCurrentFolder, cString(path), timespecs(atime, mtime), atNoFollow),
        'utimensat',
      ),
    createFile: (folder, name, mode) => succeed(openat(folder, cString(name), createFlags, mode), 'openat'),
    makeNode: (path, mode, device) => void succeed(mknod(cString(path), mode, device), 'mknod'),
    xattrNames: (path) => {
      // Asked for the length alone, the system need not set memory aside: nearly every file has none.
      let length = llistxattr(cString(path), null, 0);
      if (length > 0) length = llistxattr(cString(path), answer, answer.length);
      if (length === 0) return none;
      if (length < 0) return getSystemErrorName(-errno()) === 'ENOTSUP' ? none : fail(errno(), 'llistxattr');
      return decodeName(answer.subarray(0, length - 1)).split('\0');
    },
    xattr: (path, name) => {
      const length = lgetxattr(cString(path), cString(name), answer, answer.length);
      if (length < 0 && getSystemErrorName(-errno()) === 'ENODATA') return undefined;
      return new Uint8Array(answer.subarray(0, succeed(length, 'lgetxattr')));
    },
    setXattr: (file, name, value) =>
      void succeed(fsetxattr(file, cString(name), value, value.length, 0), 'fsetxattr'),
    setPathXattr: (path, name, value) =>
      void succeed(lsetxattr(cString(path), cString(name), value, value.length, 0), 'lsetxattr'),
  };
};

const none: readonly string[] = [];

const cString = (text: string): Path =>
  text.isWellFormed() ? text : Buffer.concat([encodeName(text), Buffer.of(0)]);

const billion = 1_000_000_000n;

/** A timespec: the nanoseconds count forward, before 1970 too. */
const secondsAndNanoseconds = (time: bigint): [bigint, bigint] => {
  const nanoseconds = ((time % billion) + billion) % billion;
  return [(time - nanoseconds) / billion, nanoseconds];
};

const fail = (errno: number, call: string): never => {
  const code = getSystemErrorName(-errno);
  throw Object.assign(new Error(`${code}: ${call} failed`), { code, errno: -errno, syscall: call });
};
