// How fast the WebAssembly loops are on this machine, in MiB/s of one core, median of several passes: `node bench/wasm.ts`.
import { createRowCounter } from '#lib/row-checksum.ts';
import type { Chunker } from '#repository/chunker/chunker.ts';
import { gearChunker } from '#repository/chunker/gear.ts';
import { rabinChunker } from '#repository/chunker/rabin.ts';
import { randomData, sqlData } from '#repository/chunker/testing.ts';
import { createPoly1305 } from '#repository/sealing/poly1305.ts';

const mebibyte = 1024 * 1024;
const sizeBytes = 64 * mebibyte;
const passes = 9;
const pieceBytes = 256 * 1024;

const random = randomData(sizeBytes, 1);
const sql = sqlData(sizeBytes, 1);

const measure = (name: string, work: () => void): void => {
  work(); // lets V8 compile the loop with its optimising compiler
  const rates: number[] = [];
  for (let pass = 0; pass < passes; pass += 1) {
    const { user, system } = process.cpuUsage();
    const before = process.hrtime.bigint();
    work();
    const wall = Number(process.hrtime.bigint() - before) / 1e9;
    const used = process.cpuUsage({ user, system });
    rates.push(sizeBytes / mebibyte / Math.min(wall, (used.user + used.system) / 1e6));
  }
  const median = rates.sort((a, b) => a - b)[passes >> 1] as number;
  console.log(`${name.padEnd(32)} ${median.toFixed(0).padStart(6)} MiB/s`);
};

const pieces = function* (data: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += pieceBytes) yield data.subarray(at, at + pieceBytes);
};

const chunk = (chunker: Chunker, data: Uint8Array): void => {
  const drain = (): void => {
    while (chunker.next());
  };
  for (const piece of pieces(data))
    for (let taken = 0; taken < piece.length; drain()) taken += chunker.write(piece.subarray(taken));
  chunker.end();
  drain();
};

const countRows = (format: 'lines' | 'bson', data: Uint8Array): void => {
  const counter = createRowCounter(format);
  for (const piece of pieces(data)) counter.update(piece);
  counter.finish();
};

const rowsOf = (rowBytes: number): Buffer => {
  const rows = Buffer.from(random);
  for (let at = 0; at < sizeBytes; at += 1) if (rows[at] === 10) rows[at] = 11;
  for (let at = rowBytes - 1; at < sizeBytes; at += rowBytes) rows[at] = 10;
  return rows;
};

const documentsOf = (documentBytes: number): Buffer => {
  const documents = Buffer.from(random);
  for (let at = 0; at < sizeBytes; at += documentBytes)
    documents.writeInt32LE(Math.min(documentBytes, sizeBytes - at), at);
  return documents;
};

const rabin = rabinChunker(0x3da3358b4dc173n);
measure('Rabin, SQL rows', () => chunk(rabin, sql));
measure('Rabin, random', () => chunk(rabin, random));
for (const kibibytes of [8, 16, 64, 256]) {
  const gear = gearChunker(new Uint8Array(32), kibibytes * 1024);
  measure(`gear ${kibibytes} KiB, SQL rows`, () => chunk(gear, sql));
  measure(`gear ${kibibytes} KiB, random`, () => chunk(gear, random));
}
const poly = createPoly1305(sizeBytes);
poly.buffer.set(random);
const key = randomData(32, 2);
const tag = new Uint8Array(16);
for (const blobBytes of [4096, mebibyte])
  measure(`Poly1305, blobs of ${blobBytes} bytes`, () => {
    for (let at = 0; at < sizeBytes; at += blobBytes) poly.mac(at, blobBytes, key, tag, 0);
  });
const verifier = createPoly1305(64 * 1024);
measure('Poly1305, copied in', () => void verifier.verify(random, key, tag));
measure('row checksum, SQL rows', () => countRows('lines', sql));
for (const rowBytes of [20, 50, 200, 400, 2000]) {
  const rows = rowsOf(rowBytes);
  measure(`row checksum, ${rowBytes}-byte rows`, () => countRows('lines', rows));
}
for (const documentBytes of [200, 2000]) {
  const documents = documentsOf(documentBytes);
  measure(`row checksum, ${documentBytes}-byte BSON`, () => countRows('bson', documents));
}
