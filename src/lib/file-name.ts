// File names are bytes. As strings, bytes that are not UTF-8 stand as lone surrogates U+DC80…U+DCFF
// (Python's «surrogateescape», PEP 383), so that every name survives the way there and back.
import { isUtf8 } from 'node:buffer';
import { sep } from 'node:path';
import { bufferOf } from './buffer-of.ts';

/** The string for a name's bytes. */
export const decodeName = (bytes: Uint8Array): string => {
  const buffer = bufferOf(bytes);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  let name = '';
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceLength(buffer, at);
    name +=
      length === 0
        ? String.fromCharCode(0xdc00 + (buffer[at] as number))
        : buffer.toString('utf8', at, at + length);
    at += length || 1;
  }
  return name;
};

/** The bytes of a name, the inverse of decodeName. */
export const encodeName = (name: string): Buffer => {
  if (name.isWellFormed()) return Buffer.from(name, 'utf8');
  const parts: Buffer[] = [];
  for (const char of name) {
    const code = char.charCodeAt(0);
    parts.push(
      char.length === 1 && code >= 0xdc80 && code <= 0xdcff
        ? Buffer.from([code - 0xdc00])
        : Buffer.from(char, 'utf8'),
    );
  }
  return Buffer.concat(parts);
};

/** The path to give to node:fs: the string when it is well formed, else its bytes. */
export const fsPath = (path: string): string | Buffer => (path.isWellFormed() ? path : encodeName(path));

/** The path with slashes only, which Windows takes as well as its own separator. */
export const slashed = (path: string): string => (sep === '/' ? path : path.replaceAll(sep, '/'));

const sequenceLength = (buffer: Buffer, at: number): number => {
  for (let length = 1; length <= 4 && at + length <= buffer.length; length += 1)
    if (isUtf8(buffer.subarray(at, at + length))) return length;
  return 0;
};
