// An SFTP server that knows version 3 of the protocol and nothing more: no sync, no rename onto a file, small pieces, short reads.
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import ssh2, { type Attributes, type SFTPWrapper } from 'ssh2';

export interface PlainSftpServer extends AsyncDisposable {
  readonly port: number;
}

/** What goes wrong from now on. */
export interface PlainSftpFaults {
  /** It may be told to rename nothing, and says so as it says everything. */
  renamesNothing?: boolean;
  /** After the first answer to who lists a folder: what it says together with the status that is the end of a folder, too. */
  listingBreaksOff?: string;
  /** All that it lists of any folder, again and again. */
  listsForEver?: string;
  /** How large it says that every file is. */
  size?: number;
  /** What it does not say of a file: in its listings, or whoever asks. */
  silentOf?: { readonly what: readonly (keyof Attributes)[]; readonly isListing?: true };
  /** How much it gives to who reads; as much as is there, up to 20,000 bytes, unless told. */
  readsAtMost?: number;
  /** What it says of whatever fails. */
  says?: string;
}

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** Serves a folder to whoever comes. */
export const startPlainSftp = async (
  root: string,
  faults: PlainSftpFaults = {},
): Promise<PlainSftpServer> => {
  const hostKeys = [ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private];
  const server = new ssh2.Server({ hostKeys }, (client) => {
    client.on('error', () => {});
    (client as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true); // missing in its types
    client.on('authentication', (attempt) => attempt.accept());
    client.on('session', (accept) => accept().on('sftp', (open) => serve(open(), root, faults)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
};

type Handle = { file: number } | { names: string[]; folder: string };

const serve = (channel: SFTPWrapper, root: string, faults: PlainSftpFaults): void => {
  const handles = new Map<string, Handle>();
  const told = (stats: Stats, isListing?: true): Attributes => {
    const all: Partial<Attributes> = attributes(stats);
    const { silentOf } = faults;
    if (silentOf && (isListing || !silentOf.isListing)) for (const each of silentOf.what) delete all[each];
    return all as Attributes;
  };
  /** Nothing for a file that went away since the folder was read. */
  const entry = (folder: string, filename: string) => {
    const found = lstatSync(join(folder, filename), { throwIfNoEntry: false });
    return found ? [{ filename, longname: filename, attrs: told(found, true) }] : [];
  };
  const place = (path: string): string => join(root, join('/', path));
  const hold = (handle: Handle): Buffer => {
    const name = Buffer.from(String(nextHandle++));
    handles.set(String(name), handle);
    return name;
  };
  const fileOf = (name: Buffer): number => {
    const handle = handles.get(String(name));
    if (handle === undefined || !('file' in handle)) throw new Error('not an open file');
    return handle.file;
  };
  /** Answers with what the work answers, or with the status of its failure. */
  const answer = (id: number, work: () => void): void => {
    try {
      work();
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      channel.status(id, missing ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE, faults.says);
    }
  };
  const done = (id: number, work: () => void): void =>
    answer(id, () => {
      work();
      channel.status(id, STATUS_CODE.OK);
    });

  channel.on('OPEN', (id, path, flags, { mode }) =>
    answer(id, () => {
      const how = flags & OPEN_MODE.WRITE ? (flags & OPEN_MODE.READ ? 'wx+' : 'wx') : 'r';
      channel.handle(id, hold({ file: openSync(place(path), how, mode) }));
    }),
  );
  channel.on('READ', (id, name, offset, length) =>
    answer(id, () => {
      const bytes = Buffer.alloc(Math.min(length, faults.readsAtMost ?? 20_000)); // less than was asked for, as servers may
      const read = readSync(fileOf(name), bytes, 0, bytes.length, offset);
      if (read === 0) channel.status(id, STATUS_CODE.EOF);
      else channel.data(id, bytes.subarray(0, read));
    }),
  );
  channel.on('WRITE', (id, name, offset, data) =>
    done(id, () => writeSync(fileOf(name), data, 0, data.length, offset)),
  );
  channel.on('FSTAT', (id, name) =>
    answer(id, () =>
      channel.attrs(id, {
        ...told(fstatSync(fileOf(name))),
        ...(faults.size !== undefined && { size: faults.size }),
      }),
    ),
  );
  channel.on('STAT', (id, path) => answer(id, () => channel.attrs(id, told(statSync(place(path))))));
  channel.on('CLOSE', (id, name) =>
    done(id, () => {
      const handle = handles.get(String(name));
      if (handle && 'file' in handle) closeSync(handle.file);
      handles.delete(String(name));
    }),
  );
  channel.on('OPENDIR', (id, path) =>
    answer(id, () => channel.handle(id, hold({ folder: place(path), names: readdirSync(place(path)) }))),
  );
  channel.on('READDIR', (id, name) =>
    answer(id, () => {
      const handle = handles.get(String(name));
      const some = handle && 'names' in handle ? handle.names.splice(0, 50) : [];
      const { listingBreaksOff: said, listsForEver: always } = faults;
      if (always !== undefined) {
        const attrs = attributes(statSync(root));
        return channel.name(id, [{ filename: always, longname: always, attrs }]);
      }
      if (said !== undefined && some.length < 50) channel.status(id, STATUS_CODE.EOF, said);
      else if (some.length === 0 || !handle || !('folder' in handle)) channel.status(id, STATUS_CODE.EOF);
      else
        channel.name(
          id,
          some.flatMap((filename) => entry(handle.folder, filename)),
        );
    }),
  );
  channel.on('REMOVE', (id, path) => done(id, () => unlinkSync(place(path))));
  channel.on('MKDIR', (id, path) => done(id, () => mkdirSync(place(path))));
  channel.on('RENAME', (id, from, to) =>
    done(id, () => {
      if (faults.renamesNothing) throw new Error('renaming is not allowed');
      if (existsSync(place(to))) throw new Error('the protocol does not replace a file');
      renameSync(place(from), place(to));
    }),
  );
};

let nextHandle = 1;

const attributes = ({ mode, size, uid, gid, atimeMs, mtimeMs }: Stats): Attributes => ({
  mode,
  size,
  uid,
  gid,
  atime: atimeMs / 1000,
  mtime: mtimeMs / 1000,
});
