// Test data that looks like what people back up, the same for the same seed.
import { createCipheriv, createHash } from 'node:crypto';
import type { Random } from '#lib/random.ts';

/** Bytes that nothing makes smaller. */
export const randomBytes = (random: Random, sizeBytes: number): Buffer => {
  const key = createHash('sha256').update(String(random.next())).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
};

/** Rows of a shop's orders in PostgreSQL's COPY text format, about 150 bytes each, in chunks of about a megabyte. */
export function* orderChunks(random: Random, sizeBytes: number): Generator<Buffer> {
  let id = 1;
  for (let made = 0; made < sizeBytes; ) {
    let rows = '';
    while (rows.length < 1024 * 1024) rows += orderRow(random, id++);
    const chunk = Buffer.from(rows).subarray(0, sizeBytes - made);
    made += chunk.length;
    yield chunk;
  }
}

const firstNames = ['Ada', 'Béla', 'Chinwe', 'Dmitri', 'Eşref', 'Fatima', 'Göran', 'Hye-jin', 'Inés', '美咲'];
const words = 'amber basket copper drift ember flint grove harbor island juniper kelp lantern'.split(' ');
const states = ['new', 'paid', 'paid', 'sent', 'sent', 'sent', 'returned'];

const orderRow = (random: Random, id: number): string => {
  const name = random.pick(firstNames);
  const when = new Date(1.7e12 + id * 60_000 + random.integer(0, 60_000)).toISOString();
  const note = random.chance(0.3)
    ? '\\N'
    : Array.from({ length: random.integer(2, 14) }, () => random.pick(words)).join(' ');
  const token = random
    .integer(0, 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  const price = (random.integer(100, 99_999) / 100).toFixed(2);
  return `${id}\t${when}\t${name}\t${name.toLowerCase()}.${token}@example.org\t${price}\t${random.pick(states)}\t${note}\n`;
};
