// A shop's orders as a database dumps them: rows of about 370 bytes, part text, part numbers, part what nothing compresses.
import { createCipheriv, createHash } from 'node:crypto';
import { type Random, seededRandom } from '#lib/random.ts';

/** The table that the rows fit, for PostgreSQL. */
export const ordersTable = `CREATE TABLE orders (
  id bigint PRIMARY KEY,
  reference uuid NOT NULL,
  customer_id integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  email text NOT NULL,
  full_name text NOT NULL,
  address text NOT NULL,
  status text NOT NULL,
  currency char(3) NOT NULL,
  net numeric(10,2) NOT NULL,
  tax numeric(10,2) NOT NULL,
  client_address inet NOT NULL,
  payment_token text,
  note text
)`;

/** COPY text of so many bytes (the last row may be cut), in chunks of about a mebibyte. */
export function* orderBytes(seed: string, sizeBytes: number): Generator<Buffer> {
  let made = 0;
  for (const rows of orderChunks(seed)) {
    const chunk = rows.subarray(0, sizeBytes - made);
    made += chunk.length;
    yield chunk;
    if (made === sizeBytes) return;
  }
}

/** The same with whole rows only: at least so many bytes. */
export function* wholeOrders(seed: string, sizeBytes: number): Generator<Buffer> {
  let made = 0;
  for (const rows of orderChunks(seed)) {
    yield rows;
    made += rows.length;
    if (made >= sizeBytes) return;
  }
}

const chunkBytes = 1024 * 1024;

function* orderChunks(seed: string): Generator<Buffer> {
  const order = orderMaker(seed);
  for (let id = 1; ; ) {
    let rows = '';
    while (rows.length < chunkBytes) rows += order(id++);
    yield Buffer.from(rows);
  }
}

const firstNames =
  'Ada Béla Chinwe Dmitri Eşref Fatima Göran Hye-jin Inés Jamal Kateřina Liam Mei Nia Olu Petra'.split(' ');
const lastNames =
  'Abe Brown Costa Dahl Evans Fischer García Haddad Ito Jansen Kim Larsen Müller Novak Okafor Park'.split(
    ' ',
  );
const hosts = ['example.org', 'mail.example.com', 'post.example.net', 'example.edu'];
const cities =
  'Aarhus Bergen Cádiz Dakar Espoo Fukuoka Galway Haifa Izmir Jaén Kyiv Lagos Malmö Nantes'.split(' ');
const states = ['new', 'paid', 'paid', 'sent', 'sent', 'sent', 'sent', 'returned'];
const syllables = 'ka lo mi ren to sha ve nor bel qui da pon ter is un gar wel fi os tra'.split(' ');

const orderMaker = (seed: string): ((id: number) => string) => {
  const random = seededRandom(seed);
  const words = vocabulary(random.fork('words'));
  const hex = hexStream(seed);
  const word = (): string => words[Math.floor(words.length * random.next() ** 3)] ?? '';
  return (id) => {
    const first = random.pick(firstNames);
    const last = random.pick(lastNames);
    const customer = random.integer(1, 500_000);
    const created = 1.6e12 + id * 41_000 + random.integer(0, 41_000);
    const updated = created + random.integer(1000, 9e8);
    const net = random.integer(100, 99_999);
    const key = hex(32);
    const reference = `${key.slice(0, 8)}-${key.slice(8, 12)}-${key.slice(12, 16)}-${key.slice(16, 20)}-${key.slice(20)}`;
    const fields = [
      id,
      reference,
      customer,
      timestamp(created),
      timestamp(updated),
      `${first.toLowerCase()}.${last.toLowerCase()}${customer}@${random.pick(hosts)}`,
      `${first} ${last}`,
      `${random.integer(1, 240)} ${word()} street, ${random.integer(10_000, 99_999)} ${random.pick(cities)}`,
      random.pick(states),
      random.chance(0.8) ? 'EUR' : 'USD',
      (net / 100).toFixed(2),
      ((net * 19) / 10_000).toFixed(2),
      `10.${random.integer(0, 256)}.${random.integer(0, 256)}.${random.integer(1, 255)}`,
      random.chance(0.3) ? '\\N' : `tok_${hex(24)}`,
      random.chance(0.2) ? '\\N' : Array.from({ length: random.integer(4, 28) }, word).join(' '),
    ];
    return `${fields.join('\t')}\n`;
  };
};

const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}+00`;

/** Words of two to four syllables; those at the beginning are used most. */
const vocabulary = (random: Random): string[] =>
  Array.from({ length: 2000 }, () =>
    Array.from({ length: random.integer(2, 5) }, () => random.pick(syllables)).join(''),
  );

/** Gives so many hexadecimal digits of a stream that nothing compresses below half. */
const hexStream = (seed: string): ((digits: number) => string) => {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  const zeros = Buffer.alloc(64 * 1024);
  let block = '';
  let at = 0;
  return (digits) => {
    if (at + digits > block.length) {
      block = cipher.update(zeros).toString('hex');
      at = 0;
    }
    at += digits;
    return block.slice(at - digits, at);
  };
};
