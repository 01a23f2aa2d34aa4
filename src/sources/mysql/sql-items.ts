// Definitions as a script: one item after the other, each under a comment that says what it is, where its statement begins and how
// long it is. The stock client reads the script as it is; Holdfast reads the comments, and executes each statement alone.
import { z } from 'zod';
import type { HoldfastError } from '#lib/errors.ts';
import { damagedSnapshot } from '../damaged-snapshot.ts';
import { binaryOf, bytesOf, textOfBinary } from './binary-text.ts';
import { quoteLiteral } from './identifiers.ts';

/** The session in which somebody wrote a routine, and in which it must be made again. */
const sessionSchema = z.strictObject({
  sqlMode: z.string(),
  charset: z.string().regex(/^\w+$/),
  collation: z.string().regex(/^\w+$/),
  timeZone: z.string().optional(),
  /** The collation that its database had when it was written, which its variables have, and has now; where they differ. */
  databaseCollation: z
    .strictObject({ written: z.string().regex(/^\w+$/), now: z.string().regex(/^\w+$/) })
    .optional(),
});

const headingSchema = z.strictObject({
  type: z.enum([
    'database',
    'user',
    'role',
    'default role',
    'grant',
    'password rule',
    'sequence',
    'table',
    'package',
    'package body',
    'function',
    'procedure',
    'view',
    'trigger',
    'event',
  ]),
  name: z.string(),
  /** Of a trigger. */
  table: z.string().optional(),
  session: sessionSchema.optional(),
  /** How many bytes lie between the comment's line and the statement. */
  skip: z.number().int().nonnegative(),
  /** The statement's. */
  bytes: z.number().int().positive(),
});

export type ItemSession = z.infer<typeof sessionSchema>;

export interface SqlItem extends Omit<z.infer<typeof headingSchema>, 'skip' | 'bytes'> {
  /** Binary text, without a delimiter at its end. */
  readonly statement: string;
}

const settings =
  "SET NAMES utf8mb4, sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', foreign_key_checks = 0, unique_checks = 0;";

/** The script's bytes. `about` is its first comment. */
export const scriptOf = (about: string, items: readonly SqlItem[]): Buffer =>
  bytesOf([binaryOf(`-- ${about}\n${settings}\n`), ...items.map(itemText)].join('\n'));

const itemText = ({ statement, ...rest }: SqlItem): string => {
  const [before, after] = rest.session ? frame(rest.session, statement) : ['', ';'];
  const heading = { ...rest, skip: before.length, bytes: statement.length };
  return `-- ${binaryOf(JSON.stringify(heading))}\n${before}${statement}${after}\n`;
};

const frame = (
  { sqlMode, charset, collation, timeZone, databaseCollation }: ItemSession,
  statement: string,
): [string, string] => {
  let delimiter = ';;';
  while (statement.includes(delimiter)) delimiter += ';';
  const zone = timeZone === undefined ? '' : `, time_zone = ${quoteLiteral(timeZone)}`;
  const set = `SET sql_mode = ${quoteLiteral(sqlMode)}, character_set_client = ${charset}, collation_connection = ${collation}${zone};\n`;
  const [begin, end] = databaseCollation
    ? [`${collateDatabase(databaseCollation.written)};\n`, `${collateDatabase(databaseCollation.now)};\n`]
    : ['', ''];
  return [
    binaryOf(`${begin}${set}DELIMITER ${delimiter}\n`),
    `\n${delimiter}\nDELIMITER ;\n${end}${settings}`,
  ];
};

/** The database in use. */
export const collateDatabase = (collation: string): string => `ALTER DATABASE COLLATE ${collation}`;

/** Reads a script; TARGET_FAILED where it is not as `scriptOf` made it. */
export const itemsOf = (script: Buffer): SqlItem[] => {
  const text = script.toString('latin1');
  const items: SqlItem[] = [];
  for (let at = nextHeading(text, 0); at !== -1; ) {
    const lineEnd = text.indexOf('\n', at);
    const heading = parseHeading(text.slice(at + 3, lineEnd === -1 ? text.length : lineEnd));
    const { skip, bytes, ...item } = heading;
    const start = lineEnd + 1 + skip;
    const statement = text.slice(start, start + bytes);
    if (statement.length !== bytes) throw damaged();
    items.push({ ...item, statement });
    at = nextHeading(text, start + bytes);
  }
  return items;
};

const nextHeading = (text: string, from: number): number => {
  if (from === 0 && text.startsWith('-- {')) return 0;
  const at = text.indexOf('\n-- {', from);
  return at === -1 ? -1 : at + 1;
};

const parseHeading = (json: string): z.infer<typeof headingSchema> => {
  try {
    return headingSchema.parse(JSON.parse(textOfBinary(json)));
  } catch {
    throw damaged();
  }
};

const damaged = (): HoldfastError => damagedSnapshot('a script of the snapshot is not as holdfast made it');
