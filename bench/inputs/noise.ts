// Bytes that nothing makes smaller: photographs, archives, what is encrypted already.
import { createCipheriv, createHash } from 'node:crypto';

/** So many of them, in chunks of a mebibyte. */
export function* noiseBytes(seed: string, sizeBytes: number): Generator<Buffer> {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  const zeros = Buffer.alloc(1024 * 1024);
  for (let made = 0; made < sizeBytes; made += zeros.length)
    yield cipher.update(zeros.subarray(0, sizeBytes - made));
}
