// The order in which stores and snapshots list names: by their bytes in UTF-8, where JavaScript compares halves of characters.

export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
