// The shop of the demo: a database with customers, products and orders, and a picture of each product.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32, deflateSync } from 'node:zlib';

const productCount = 60;
const orderCount = 20_000;

export const makeShop = (path: string): void => {
  using db = new DatabaseSync(path);
  db.exec(`
    PRAGMA journal_mode = WAL;
    BEGIN;
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE);
    CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT NOT NULL, price_cents INTEGER NOT NULL, picture TEXT);
    CREATE TABLE orders (
      id INTEGER PRIMARY KEY,
      customer INTEGER NOT NULL REFERENCES customers,
      product INTEGER NOT NULL REFERENCES products,
      ordered_at TEXT NOT NULL,
      state TEXT NOT NULL,
      note TEXT
    );
    CREATE INDEX orders_by_customer ON orders (customer);
    CREATE VIEW turnover AS SELECT sum(price_cents) / 100.0 AS total FROM orders JOIN products ON products.id = product;
  `);
  const insert = (table: string, rows: number, row: (id: number) => (string | number | null)[]): void => {
    const statement = db.prepare(`INSERT INTO ${table} VALUES (${row(1).map(() => '?')})`);
    for (let id = 1; id <= rows; id += 1) statement.run(...row(id));
  };
  insert('customers', 2000, (id) => [id, `${names[id % names.length]} ${id}`, `customer${id}@example.org`]);
  insert('products', productCount, (id) => [
    id,
    `${things[id % things.length]} No. ${id}`,
    150 + chance(id, 9850),
    `${id}.png`,
  ]);
  insert('orders', orderCount, orderRow);
  db.exec('COMMIT');
};

/** The last hundred orders move on, and a hundred come in. */
export const changeShop = (path: string): void => {
  using db = new DatabaseSync(path);
  db.exec(`BEGIN; UPDATE orders SET state = 'sent', note = 'on its way' WHERE id > ${orderCount - 100}`);
  const statement = db.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)');
  for (let id = orderCount + 1; id <= orderCount + 100; id += 1) statement.run(...orderRow(id));
  db.exec('COMMIT');
};

export const makePictures = (folder: string): void => {
  mkdirSync(folder);
  for (let id = 1; id <= productCount; id += 1) writeFileSync(join(folder, `${id}.png`), picture(id));
};

export const changePictures = (folder: string): void => writeFileSync(join(folder, '7.png'), picture(1007));

const names = ['Ada', 'Béla', 'Chinwe', 'Dmitri', 'Fatima', 'Göran', 'Inés', '美咲'];
const things = ['Lantern', 'Basket', 'Compass', 'Kettle', 'Blanket', 'Knife'];
const states = ['new', 'paid', 'sent', 'sent', 'returned'];

/** The same number below `limit` for the same seed, spread well enough for a demo. */
const chance = (seed: number, limit: number): number => crc32(String(seed)) % limit;

const orderRow = (id: number): (string | number | null)[] => [
  id,
  1 + chance(id, 2000),
  1 + chance(id * 31, productCount),
  new Date(1.76e12 + id * 60_000).toISOString(),
  states[chance(id * 17, states.length)] ?? 'new',
  id % 3 === 0 ? null : `please leave it at door ${chance(id * 13, 1000)}`,
];

/** A PNG of coloured waves; https://www.w3.org/TR/png/ */
const picture = (seed: number): Buffer => {
  const size = 160;
  const rows = Buffer.alloc(size * (1 + size * 3));
  for (let y = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1)
      for (let channel = 0; channel < 3; channel += 1)
        rows[y * (1 + size * 3) + 1 + x * 3 + channel] =
          128 + 127 * Math.sin((x * (channel + 1) + y * (seed % 7)) / (9 + (seed % 13)) + seed);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2], 8);
  const parts = [
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
};

const pngChunk = (type: string, data: Buffer): Buffer => {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(data.length, 0);
  numbers.writeUInt32BE(crc32(typed), 4);
  return Buffer.concat([numbers.subarray(0, 4), typed, numbers.subarray(4)]);
};
