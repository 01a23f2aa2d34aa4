// The one module: every function Holdfast runs as WebAssembly. Each instance has its own memory and serves one purpose,
// so all of them keep their tables and state in its first 64 KiB (the head) and their data behind it.
export { rabinFind, rabinStart } from './rabin';
export { gearCut, gearReset, gearStart } from './gear';
export { poly1305Finish, poly1305Start, poly1305Update } from './poly1305';
export { bsonPrints, linePrints, printsEnd, printsStart } from './prints';
export { bsonRows, lineRows, lineRowsEnd, rowsStart } from './rows';
