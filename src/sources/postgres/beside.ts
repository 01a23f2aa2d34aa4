// A table under another name: made in a schema of its own, where no name is taken, and moved when it is whole.
import { randomUUID } from 'node:crypto';
import type { Connection } from './connect.ts';
import type { Contents } from './contents.ts';
import { type QualifiedName, quoteIdentifier, quoteLiteral, quoteName } from './identifiers.ts';
import type { SqlItem } from './sql-items.ts';
import { ownedSequences, withOtherNames } from './table-items.ts';

/** What would act on other tables, or on the rows while nobody expects it. */
const leftOut = new Set([
  'FK CONSTRAINT',
  'TRIGGER',
  'RULE',
  'STATISTICS',
  'PUBLICATION TABLE',
  'TABLE ATTACH',
  'INDEX ATTACH',
]);

export interface Beside {
  /** Where the rows go until then. */
  readonly table: QualifiedName;
  readonly sequences: ReadonlyMap<string, QualifiedName>;
  /** The item for the table of the other name; undefined for one that would act on other tables. */
  translate(item: SqlItem): SqlItem | undefined;
  begin(connection: Connection): Promise<void>;
  /** Gives the table its place and name, and its indexes and sequences names that are free there. */
  finish(connection: Connection): Promise<void>;
}

export const besideOf = (from: QualifiedName, to: QualifiedName, contents: Contents): Beside => {
  const schema = `holdfast_${randomUUID().slice(0, 8)}`;
  const table = { schema, name: from.name };
  const owned = ownedSequences(contents, from);
  const names = [from, ...owned].map((each) => [each, quoteName({ schema, name: each.name })] as const);
  return {
    table,
    sequences: new Map(owned.map(({ name }) => [name, { schema, name }])),
    translate(item) {
      if (leftOut.has(item.type)) return undefined;
      return { ...item, statements: item.statements.map((text) => withOtherNames(text, names)) };
    },
    async begin(connection) {
      await connection.query(`create schema ${quoteIdentifier(schema)}`);
    },
    async finish(connection) {
      await leaveParents(connection, table);
      const relations = await connection.query<{ name: string; kind: string }>(
        `select relname::text as name, relkind::text as kind from pg_catalog.pg_class
          where relnamespace = ${quoteLiteral(quoteIdentifier(schema))}::regnamespace and relkind in ('i', 'I', 'S')`,
      );
      for (const { name, kind } of relations) {
        const free = await freeName(connection, to, name.replace(from.name, to.name));
        const what = kind === 'S' ? 'sequence' : 'index';
        if (free !== name)
          await connection.query(
            `alter ${what} ${quoteName({ schema, name })} rename to ${quoteIdentifier(free)}`,
          );
      }
      if (to.name !== table.name)
        // as in another schema
        await connection.query(`alter table ${quoteName(table)} rename to ${quoteIdentifier(to.name)}`);
      const renamed = quoteName({ schema, name: to.name });
      await connection.query(`alter table ${renamed} set schema ${quoteIdentifier(to.schema)}`);
      await connection.query(`drop schema ${quoteIdentifier(schema)}`);
    },
  };
};

/** An heir would show its rows in its parents. */
const leaveParents = async (connection: Connection, table: QualifiedName): Promise<void> => {
  const parents = await connection.query<{ parent: string }>(
    `select inhparent::regclass::text as parent from pg_catalog.pg_inherits
      where inhrelid = ${quoteLiteral(quoteName(table))}::regclass`,
  );
  for (const { parent } of parents)
    await connection.query(`alter table ${quoteName(table)} no inherit ${parent}`);
};

/** The name, or the first of name_1, name_2, … that no relation of the schema has. */
const freeName = async (
  connection: Connection,
  { schema, name: table }: QualifiedName,
  wanted: string,
): Promise<string> => {
  const rows = await connection.query<{ name: string }>(
    `select relname::text as name from pg_catalog.pg_class
      where relnamespace = ${quoteLiteral(quoteIdentifier(schema))}::regnamespace`,
  );
  const taken = new Set([table, ...rows.map(({ name }) => name)]);
  const fitted = (suffix: string): string => {
    let name = wanted;
    while (Buffer.byteLength(name + suffix) > 63) name = Array.from(name).slice(0, -1).join('');
    return name + suffix;
  };
  for (let number = 0; ; number += 1) {
    const name = fitted(number === 0 ? '' : `_${number}`);
    if (!taken.has(name)) return name;
  }
};
