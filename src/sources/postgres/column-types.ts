// What the columns of tables hold, as SQLite may have it: read from what pg_dump wrote of them.
import { listItems } from '../sql-values.ts';
import type { SqlType, SqlValue } from '../table-reader.ts';
import type { ContentsTable } from './contents.ts';
import { parseName, plainName, type QualifiedName } from './identifiers.ts';
import { itemsOfFile } from './sql-items.ts';

export interface ColumnType {
  readonly type: SqlType;
  /** Makes a value of the server's text, where that is not the value. */
  readonly read?: (text: string) => SqlValue;
}

type Types = ReadonlyMap<string, ColumnType>;

/** The types of a table's columns by their names; a column that is not among them is text. Inherited ones stand with the parents. */
export const columnTypes = (
  preData: Buffer | undefined,
  tables: readonly ContentsTable[],
): ((table: ContentsTable) => Types) => {
  const domains = new Map<string, string>();
  const own = new Map<string, Types>();
  for (const { type, statements } of preData ? itemsOfFile(preData).items : []) {
    const [statement = ''] = statements;
    const [, name = '', base = ''] = (type === 'DOMAIN' && domain.exec(statement)) || [];
    if (name !== '') domains.set(name, base);
    const [head, table, ofType, composite] =
      (['TABLE', 'TYPE'].includes(type) && withColumns.exec(statement)) || [];
    const made = table ?? composite;
    if (head === undefined || made === undefined) continue;
    const types = typesOf(listItems(statement, head.length, token).items);
    own.set(namePlainly(made), new Map([...((ofType && own.get(namePlainly(ofType))) || []), ...types]));
  }
  const byName = new Map(tables.map((table) => [plainName(table), table]));
  const withParents = (name: QualifiedName, below: readonly string[] = []): [string, ColumnType][] => {
    const plain = plainName(name);
    if (below.includes(plain)) return [];
    const parents = byName.get(plain)?.parents ?? [];
    return [
      ...parents.flatMap((parent) => withParents(parent, [...below, plain])),
      ...(own.get(plain) ?? []),
    ];
  };
  return (table) => new Map(withParents(table));

  function typesOf(items: readonly string[]): Types {
    const types = new Map<string, ColumnType>();
    for (const item of items) {
      const [, name = '', declared = ''] = column.exec(item.trim()) ?? [];
      const [plain] = parseName(name) ?? [];
      const type = typeOf(declared);
      if (plain !== undefined && type) types.set(plain, type);
    }
    return types;
  }

  function typeOf(declared: string, depth = 0): ColumnType | undefined {
    const known = knownTypes.find(({ pattern }) => pattern.test(declared));
    if (known) return known.is;
    const [name = ''] = qualified.exec(declared) ?? [];
    const base = declared[name.length] === '[' ? undefined : domains.get(name);
    return base === undefined || depth === deepest ? undefined : typeOf(base, depth + 1);
  }
};

/** A domain may be made of a domain. */
const deepest = 20;

/** `"a.b".c`, as manifests have it. */
const namePlainly = (name: string): string => {
  const [schema = '', plain = ''] = parseName(name) ?? [];
  return plainName({ schema, name: plain });
};

const identifier = '(?:"(?:[^"]|"")+"|[^\\s".,()[\\];]+)';
const inSchema = `${identifier}\\.${identifier}`;
const token = /'[^']*'|"[^"]*"|[(),]/g;
/** A table, perhaps of a type and then perhaps without a list, or such a type. */
const withColumns = new RegExp(
  `^CREATE (?:(?:UNLOGGED |FOREIGN )?TABLE (${inSchema})(?: OF (${inSchema}))?|TYPE (${inSchema}) AS)(?: \\(|;?$)`,
);
const domain = new RegExp(`^CREATE DOMAIN (${inSchema}) AS ([\\s\\S]*)`);
const column = new RegExp(`^(${identifier}) ([\\s\\S]*)`);
const qualified = new RegExp(`^${inSchema}`);

/** SQLite has no NaN, which stays a text. */
const withInfinity = (text: string): SqlValue => (text.endsWith('Infinity') ? Number(text) : text);

const whole = (names: string): RegExp => new RegExp(`^(?:${names})(?![\\w[(.])`);

const knownTypes: readonly { readonly pattern: RegExp; readonly is: ColumnType }[] = [
  { pattern: whole('smallint|integer|bigint|oid'), is: { type: 'INTEGER' } },
  { pattern: /^numeric(?:\([^)]*\))?(?![[(])/, is: { type: 'NUMERIC', read: withInfinity } },
  { pattern: whole('real|double precision'), is: { type: 'REAL', read: withInfinity } },
  { pattern: whole('boolean'), is: { type: 'INTEGER', read: (text) => (text === 't' ? 1n : 0n) } },
  {
    pattern: whole('bytea'),
    is: { type: 'BLOB', read: (text) => (text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : text) },
  },
];
