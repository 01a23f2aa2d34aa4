// Objects that come in pieces: a file under a temporary name, which gets its own name when it is whole.
import { posix } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { notKept } from '../not-kept.ts';
import type { LargeObject } from '../store.ts';
import { temporaryName, unfinishedName } from '../temporary-name.ts';
import { hasStatus, serverFull, sftpError, sftpStatus } from './sftp-error.ts';
import type { SftpLine } from './sftp-session.ts';
import { lacksRoom, openNew, type Place, rename, unlink } from './sftp-store.ts';
import { closeFile, openFile, protectFile, sizeOf, syncFile, writeFully } from './transfer.ts';

/** Enough that a distant server is not waited for after each. */
const pieceBytes = 8 * 1024 * 1024;
/** Until it is whole it may have to be opened again, on another connection. */
const unfinishedMode = 0o600;

export const beginLarge = async (place: Place, key: string): Promise<LargeObject> => {
  const object = new SftpLargeObject(place, key);
  await object.begin();
  return object;
};

/** The temporary name is there until the moment the object has its own. */
export const wasCommitted = async (place: Place, key: string, token: string): Promise<boolean> => {
  const path = unfinishedPath(place, key, token);
  const line = await place.session.line();
  try {
    await line.request<unknown>((sftp, answer) => sftp.stat(path, answer));
    return false;
  } catch (cause) {
    if (hasStatus(cause, sftpStatus.noSuchFile)) return true;
    throw sftpError(cause, 'look at', place.location, token);
  }
};

export const abandonLarge = async (place: Place, key: string, token: string): Promise<void> => {
  try {
    await unlink(await place.session.line(), unfinishedPath(place, key, token));
  } catch (cause) {
    if (!hasStatus(cause, sftpStatus.noSuchFile)) throw sftpError(cause, 'delete', place.location, token);
  }
};

const unfinishedPath = ({ root }: Place, key: string, token: string): string =>
  posix.join(root, posix.dirname(key), unfinishedName(token));

class SftpLargeObject implements LargeObject {
  readonly token: string;
  readonly #place: Place;
  readonly #key: string;
  readonly #path: string;
  readonly #temporary: string;
  #opened: { readonly line: SftpLine; readonly file: Promise<Buffer> } | undefined;
  #sizeBytes = 0;
  #isWhole = false;
  /** Why the server's disk did not keep what was written. */
  #notKept: Error | undefined;

  constructor(place: Place, key: string) {
    this.#place = place;
    this.#key = key;
    this.#path = posix.join(place.root, key);
    this.#temporary = temporaryName(this.#path);
    this.token = posix.basename(this.#temporary);
  }

  async begin(): Promise<void> {
    await this.#explained(async () => {
      const line = await this.#place.session.line();
      this.#opened = { line, file: openNew(line, this.#temporary, unfinishedMode) };
      await this.#opened.file;
    });
  }

  pieceBytes(): number {
    return pieceBytes;
  }

  async putPiece({ offset }: { readonly offset: number }, bytes: Uint8Array): Promise<void> {
    await this.#explained(async () => {
      const { line, file } = await this.#file();
      await writeFully(line, file, bytes, offset);
      this.#sizeBytes = Math.max(this.#sizeBytes, offset + bytes.length);
    }, bytes.length);
  }

  async commit(): Promise<void> {
    if (this.#notKept) throw this.#notKept;
    this.#isWhole = true;
    let isRefused = false;
    const work = this.#explained(async () => {
      if (await this.#isCommitted()) return;
      const { line, file } = await this.#file();
      await protectFile(line, file);
      await syncFile(line, file).catch((cause: unknown) => {
        isRefused = hasStatus(cause, sftpStatus.failure);
        throw cause;
      });
      await closeFile(line, file);
      this.#opened = undefined;
      await rename(line, this.#temporary, this.#path);
    });
    await work.catch((error: unknown) => {
      if (isRefused && error instanceof HoldfastError)
        this.#notKept = notKept(error, 'check the disk of the server');
      throw this.#notKept ?? error;
    });
  }

  async abort(): Promise<void> {
    const line = await this.#place.session.line();
    const file = this.#opened?.line === line ? await this.#opened.file.catch(() => undefined) : undefined;
    if (file) await closeFile(line, file).catch(() => {}); // it may be closed already
    await unlink(line, this.#temporary).catch(() => {}); // readers skip its name anyway
  }

  /** A handle is good on the connection that gave it only. */
  async #file(): Promise<{ readonly line: SftpLine; readonly file: Buffer }> {
    const line = await this.#place.session.line();
    if (this.#opened?.line !== line) this.#opened = { line, file: this.#reopen(line) };
    return { line, file: await this.#opened.file };
  }

  /** A connection that broke late in a commit has left a file that opens to be read only, which is enough for the rest. */
  async #reopen(line: SftpLine): Promise<Buffer> {
    try {
      return await openFile(line, this.#temporary, 'r+');
    } catch (error) {
      if (!this.#isWhole || !hasStatus(error, sftpStatus.permissionDenied)) throw error;
      return await openFile(line, this.#temporary, 'r');
    }
  }

  /** When the connection broke just as the file got its name. */
  async #isCommitted(): Promise<boolean> {
    const line = await this.#place.session.line();
    try {
      await this.#file();
      return false;
    } catch (error) {
      if (!hasStatus(error, sftpStatus.noSuchFile)) throw error;
      const file = await openFile(line, this.#path, 'r');
      const size = await sizeOf(line, file);
      await closeFile(line, file);
      if (size !== this.#sizeBytes) throw error;
      return true;
    }
  }

  async #explained(work: () => Promise<void>, sizeBytes = 0): Promise<void> {
    const { location, root, session } = this.#place;
    try {
      await work();
    } catch (cause) {
      const failed = hasStatus(cause, sftpStatus.failure);
      if (failed && (await lacksRoom(await session.line(), root, sizeBytes)))
        throw serverFull(cause, location, this.#key);
      throw sftpError(cause, 'write', location, this.#key);
    }
  }
}
