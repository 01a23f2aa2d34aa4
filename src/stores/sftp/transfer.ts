// Files over SFTP in pieces, many of them under way at once, so that a distant server is not waited for after each.
import { bufferOf } from '#lib/buffer-of.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import type { ByteRange } from '../store.ts';
import { hasStatus, sftpStatus } from './sftp-error.ts';
import type { SftpLine } from './sftp-session.ts';

/** As much as an SSH channel lets through before it waits for the other side. */
const bytesUnderWay = 2 * 1024 * 1024;

/** Nobody but its owner can read an object, and nobody change it. */
const objectMode = 0o400;

/** Opens a file for reading or for changes, or makes a new one of that mode. */
export const openFile = (
  line: SftpLine,
  path: string,
  mode: 'r' | 'r+' | 'wx' | 'xw+',
  permissions = objectMode,
): Promise<Buffer> =>
  line.request<Buffer>((sftp, answer) =>
    mode === 'wx' || mode === 'xw+'
      ? sftp.open(path, mode, permissions, answer)
      : sftp.open(path, mode, answer),
  );

export const closeFile = (line: SftpLine, file: Buffer): Promise<void> =>
  line.request<void>((sftp, answer) => sftp.close(file, answer));

export const sizeOf = async (line: SftpLine, file: Buffer): Promise<number> => {
  const { size } = await line.request<{ size?: number }>((sftp, answer) => sftp.fstat(file, answer));
  if (size === undefined) throw new Error('it does not say how large it is');
  return size;
};

/** Puts the file on the server's disk, where the server can be asked to. */
export const syncFile = (line: SftpLine, file: Buffer): Promise<void> =>
  unlessUnsupported(() => line.request<void>((sftp, answer) => sftp.ext_openssh_fsync(file, answer)));

/** Gives a file that was open to changes the mode of an object, where the server has modes. */
export const protectFile = (line: SftpLine, file: Buffer): Promise<void> =>
  unlessUnsupported(() => line.request<void>((sftp, answer) => sftp.fchmod(file, objectMode, answer)));

const unlessUnsupported = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    const unknown = error instanceof Error && error.message.startsWith('Server does not support');
    if (!unknown && !hasStatus(error, sftpStatus.unsupported)) throw error;
  }
};

/** Writes the bytes into the file, from that place on. */
export const writeFully = async (
  line: SftpLine,
  file: Buffer,
  bytes: Uint8Array,
  position = 0,
): Promise<void> => {
  const buffer = bufferOf(bytes);
  const { pieceBytes } = line;
  await forEachLimit(pieces(bytes.length, pieceBytes), bytesUnderWay / pieceBytes, ({ offset, length }) =>
    writePiece(line, file, buffer.subarray(offset, offset + length), position + offset),
  );
};

/**
 * Writes a whole file, puts it on the disk and closes it. The server does one after the other, so that the end of it takes one journey.
 * Throws when any of it failed; what was sent behind did no harm.
 */
export const writeWhole = async (line: SftpLine, file: Buffer, bytes: Uint8Array): Promise<void> => {
  const cut = Math.max(0, bytes.length - line.pieceBytes);
  const last = bufferOf(bytes.subarray(cut));
  try {
    await writeFully(line, file, bytes.subarray(0, cut));
  } catch (error) {
    await closeFile(line, file).catch(() => {}); // the first failure tells
    throw error;
  }
  await all([writePiece(line, file, last, cut), syncFile(line, file), closeFile(line, file)]);
};

/** The same with a file that was opened to be read, too, and fits into one piece; returns what the server gives of it by then. */
export const writeAndReadBack = async (
  line: SftpLine,
  file: Buffer,
  bytes: Uint8Array,
): Promise<Uint8Array> => {
  const back = Buffer.allocUnsafe(bytes.length);
  let read = 0;
  await all([
    writePiece(line, file, bufferOf(bytes), 0),
    syncFile(line, file),
    readSome(line, file, back, 0, bytes.length, 0).then(
      (count) => {
        read = count;
      },
      () => {}, // nothing was read, then
    ),
    closeFile(line, file),
  ]);
  return back.subarray(0, read);
};

const writePiece = (line: SftpLine, file: Buffer, bytes: Buffer, position: number): Promise<void> =>
  line.request<void>((sftp, answer) => sftp.write(file, bytes, 0, bytes.length, position, answer));

/** Waits for all of them, and throws the first failure. */
const all = async (requests: readonly Promise<void>[]): Promise<void> => {
  for (const result of await Promise.allSettled(requests))
    if (result.status === 'rejected') throw result.reason;
};

/** Exactly these bytes of the file, or undefined when they are not all in it. */
export const readFully = async (
  line: SftpLine,
  file: Buffer,
  { offset, length }: ByteRange,
): Promise<Uint8Array | undefined> => {
  if (offset < 0 || length < 0) return undefined;
  const buffer = Buffer.allocUnsafeSlow(length);
  let complete = true;
  const { pieceBytes } = line;
  await forEachLimit(pieces(length, pieceBytes), bytesUnderWay / pieceBytes, async (piece) => {
    for (let done = 0; complete && done < piece.length; ) {
      const at = piece.offset + done;
      const read = await readSome(line, file, buffer, at, piece.length - done, offset + at);
      if (read === 0) complete = false;
      done += read;
    }
  });
  return complete ? buffer : undefined;
};

/** A server may give less than was asked for, and nothing at the end of the file. */
const readSome = async (
  line: SftpLine,
  file: Buffer,
  buffer: Buffer,
  at: number,
  length: number,
  position: number,
): Promise<number> => {
  try {
    return await line.request<number>((sftp, answer) =>
      sftp.read(file, buffer, at, length, position, answer),
    );
  } catch (error) {
    if (hasStatus(error, sftpStatus.endOfFile)) return 0;
    throw error;
  }
};

function* pieces(sizeBytes: number, pieceBytes: number): Generator<{ offset: number; length: number }> {
  for (let offset = 0; offset < sizeBytes; offset += pieceBytes)
    yield { offset, length: Math.min(pieceBytes, sizeBytes - offset) };
}
