// Instances of the WebAssembly module with the hot loops (wasm/assembly), each with a memory of its own.
import { moduleBase64 } from './module.ts';

/** What the module exports; positions and lengths are bytes of the instance's memory. */
export interface Functions {
  rabinStart(polynomial: bigint): void;
  rabinFind(from: number, to: number): number;
  gearStart(averageBits: number): void;
  gearReset(): void;
  gearCut(start: number, end: number, last: boolean): number;
  poly1305Start(): void;
  poly1305Update(at: number, length: number): void;
  poly1305Finish(at: number, length: number): void;
  rowsStart(): void;
  lineRows(at: number, end: number): number;
  lineRowsEnd(at: number, end: number): void;
  bsonRows(at: number, end: number): number;
  printsStart(): void;
  linePrints(at: number, end: number, shift: number, prints: number, ends: number): number;
  bsonPrints(at: number, end: number, shift: number, prints: number, ends: number): number;
  printsEnd(at: number, end: number, prints: number): number;
}

export interface Instance {
  readonly functions: Functions;
  /** The whole memory; it never grows, so views of it stay valid. */
  readonly memory: Uint8Array<ArrayBuffer>;
}

/** The functions keep their tables and state below this position; data goes from here on. */
export const headBytes = 65_536;

/** A fresh instance with a zeroed memory of `headBytes` and at least so many bytes of data. */
export const instantiate = (dataBytes: number): Instance => {
  const pages = Math.ceil((headBytes + dataBytes) / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  compiled ??= new WebAssembly.Module(Buffer.from(moduleBase64, 'base64'));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return { functions: exports, memory: new Uint8Array(memory.buffer) };
};

const pageBytes = 65_536;

/** Compiled on first use, once a thread. */
let compiled: object | undefined;

// Node's types do not declare WebAssembly, which is part of the DOM's.
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Functions };
};
