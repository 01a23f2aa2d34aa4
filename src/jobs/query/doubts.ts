// What makes an answer doubtful, in words.
import { printable } from '#lib/format.ts';
import type { Query } from './query.ts';

export interface Doubt {
  readonly text: string;
  readonly hint?: string;
}

export const doubtsOf = ({ absent, untyped }: Pick<Query, 'absent' | 'untyped'>): Doubt[] => [
  ...absent.map(({ table, field }) => ({
    text: `no document of ${printable(table)} has a field "${printable(field)}"`,
  })),
  ...untyped.map((table) => ({
    text: `the snapshot lacks definitions: all values of ${printable(table)} are taken for text, and compared so`,
    hint: 'say what is a number: CAST(id AS INTEGER) > 9; or take another snapshot',
  })),
];
