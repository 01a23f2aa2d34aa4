// Entries of a walk as flat pieces of memory, and back.
import { errorOf, plainError } from '#lib/plain-error.ts';
import type { EntryMeta, EntryType } from '../source.ts';
import type { Mutable } from './metadata.ts';
import type { Seen } from './walk.ts';
import type { Extra, Records } from './walk-messages.ts';

const types: readonly EntryType[] = ['file', 'dir', 'symlink', 'fifo', 'chardev', 'dev'];

/** Where the fields of an entry are, each of 8 bytes: doubles up to `links`, then 64-bit integers, signed up to `ctime`. */
const field = {
  type: 0,
  mode: 1,
  uid: 2,
  gid: 3,
  size: 4,
  links: 5,
  mtime: 6,
  atime: 7,
  ctime: 8,
  inode: 9,
  deviceId: 10,
} as const;
const fieldsOfEntry = 11;

export class RecordWriter {
  readonly #most: number;
  #paths: string[] = [];
  #doubles: Float64Array<ArrayBuffer>;
  #times: BigInt64Array<ArrayBuffer>;
  #numbers: BigUint64Array<ArrayBuffer>;
  #extras: [number, Extra][] = [];

  /** Takes up to `most` entries. */
  constructor(most: number) {
    this.#most = most;
    this.#doubles = new Float64Array(most * fieldsOfEntry);
    this.#times = new BigInt64Array(this.#doubles.buffer);
    this.#numbers = new BigUint64Array(this.#doubles.buffer);
  }

  get isFull(): boolean {
    return this.#paths.length === this.#most;
  }

  add({ path, type, meta, failed }: Seen): void {
    const at = this.#paths.length;
    const first = at * fieldsOfEntry;
    this.#paths.push(`${path}\0`);
    this.#doubles[first + field.type] = types.indexOf(type);
    if (failed) {
      this.#extras.push([at, { failed: plainError(failed) }]);
      return;
    }
    this.#doubles[first + field.mode] = meta.mode ?? 0;
    this.#doubles[first + field.uid] = meta.uid ?? 0;
    this.#doubles[first + field.gid] = meta.gid ?? 0;
    this.#doubles[first + field.size] = meta.size ?? 0;
    this.#doubles[first + field.links] = meta.links ?? 0;
    this.#times[first + field.mtime] = meta.mtime ?? 0n;
    this.#times[first + field.atime] = meta.atime ?? 0n;
    this.#times[first + field.ctime] = meta.ctime ?? 0n;
    this.#numbers[first + field.inode] = meta.inode ?? 0n;
    this.#numbers[first + field.deviceId] = meta.deviceId ?? 0n;
    const extra = extraOf(meta);
    if (extra) this.#extras.push([at, extra]);
  }

  /** Those added since the last time. */
  take(): Records {
    const records = { paths: this.#paths.join(''), fields: this.#doubles.buffer, extras: this.#extras };
    this.#paths = [];
    this.#doubles = new Float64Array(this.#most * fieldsOfEntry);
    this.#times = new BigInt64Array(this.#doubles.buffer);
    this.#numbers = new BigUint64Array(this.#doubles.buffer);
    this.#extras = [];
    return records;
  }
}

const extraOf = ({ linkTarget, device, xattrs, mtime, atime, ctime }: EntryMeta): Extra | undefined => {
  const isFar = !(fits(mtime) && fits(atime) && fits(ctime));
  return linkTarget === undefined && device === undefined && xattrs === undefined && !isFar
    ? undefined
    : {
        ...(linkTarget !== undefined && { linkTarget }),
        ...(device !== undefined && { device }),
        ...(xattrs && { xattrs }),
        ...(isFar && { mtime, atime, ctime }),
      };
};

/** In 64 bits there is room for the nanoseconds of the years 1678 to 2262. */
const fits = (time = 0n): boolean => time >= -tooFar && time < tooFar;
const tooFar = 2n ** 63n;

export function* readRecords({ paths, fields, extras }: Records): Generator<Seen> {
  const doubles = new Float64Array(fields);
  const times = new BigInt64Array(fields);
  const numbers = new BigUint64Array(fields);
  const each = paths.split('\0');
  let next = 0;
  for (let at = 0; at < each.length - 1; at += 1) {
    const path = each[at] as string;
    const first = at * fieldsOfEntry;
    const type = types[doubles[first + field.type] as number] as EntryType;
    const [place, extra] = extras[next] ?? [];
    const own = place === at ? extra : undefined;
    if (own) next += 1;
    if (own?.failed) {
      yield { path, type, meta: {}, failed: errorOf(own.failed) };
      continue;
    }
    const meta: Mutable<EntryMeta> = {
      mode: doubles[first + field.mode] as number,
      mtime: times[first + field.mtime] as bigint,
      atime: times[first + field.atime] as bigint,
      ctime: times[first + field.ctime] as bigint,
      uid: doubles[first + field.uid] as number,
      gid: doubles[first + field.gid] as number,
      inode: numbers[first + field.inode] as bigint,
      deviceId: numbers[first + field.deviceId] as bigint,
    };
    if (type === 'file') meta.size = doubles[first + field.size] as number;
    if (type !== 'dir') meta.links = doubles[first + field.links] as number;
    if (own) Object.assign(meta, own);
    yield { path, type, meta };
  }
}
