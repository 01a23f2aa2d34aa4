// Poly1305 (RFC 8439) over bytes that lie in the authenticator's own memory, so that a pack is sealed where it is built.
import { timingSafeEqual } from 'node:crypto';
import { headBytes, instantiate } from '#lib/wasm/instance.ts';

export interface Poly1305 {
  /** The memory to build in. It never moves and never grows. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Writes the 16-byte tag of buffer[offset, offset + length). `key` is the one-time key r|s, 32 bytes; r is clamped on use. */
  mac(offset: number, length: number, key: Uint8Array, out: Uint8Array, outOffset: number): void;
  /** True when `tag` is the tag of bytes that lie anywhere, of any length; they are taken through `buffer`, which they overwrite. */
  verify(bytes: Uint8Array, key: Uint8Array, tag: Uint8Array): boolean;
}

const blockBytes = 16;
const keyBytes = 32;
const tagBytes = 16;

/** An authenticator with a buffer of so many bytes; 64 KiB are plenty where it only verifies. */
export const createPoly1305 = (capacityBytes: number): Poly1305 => {
  const { functions, memory } = instantiate(capacityBytes);
  const buffer = memory.subarray(headBytes, headBytes + capacityBytes);
  const computed = memory.subarray(keyBytes, keyBytes + tagBytes);

  const start = (key: Uint8Array): void => {
    if (key.length !== keyBytes) throw new RangeError(`a Poly1305 key has 32 bytes, not ${key.length}`);
    memory.set(key, 0);
    functions.poly1305Start();
  };
  const wholeBlocks = (length: number): number => length - (length % blockBytes);
  /** Takes the end of the message, of any length, from the memory. */
  const finish = (at: number, length: number): void => {
    const whole = wholeBlocks(length);
    functions.poly1305Update(at, whole);
    functions.poly1305Finish(at + whole, length - whole);
  };

  return {
    buffer,
    mac(offset, length, key, out, outOffset) {
      if (offset < 0 || length < 0 || offset + length > capacityBytes)
        throw new RangeError(`bytes ${offset} to ${offset + length} are not in the buffer`);
      start(key);
      finish(headBytes + offset, length);
      out.set(computed, outOffset);
    },
    verify(bytes, key, tag) {
      start(key);
      const step = wholeBlocks(capacityBytes);
      let at = 0;
      for (; bytes.length - at > step; at += step) {
        buffer.set(bytes.subarray(at, at + step));
        functions.poly1305Update(headBytes, step);
      }
      buffer.set(bytes.subarray(at));
      finish(headBytes, bytes.length - at);
      return tag.length === tagBytes && timingSafeEqual(computed, tag);
    },
  };
};
