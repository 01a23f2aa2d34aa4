// Into what rows are loaded, and where functions find what they name: checks and generated columns may call functions that
// name no schema, and rely on the search path of the application.
import type { Contents, ContentsTable } from './contents.ts';
import { type QualifiedName, quoteIdentifier, quoteLiteral } from './identifiers.ts';

/** The table that takes the rows. Which partition a hash of an enum means differs between databases. */
export const takerOf = (table: ContentsTable): QualifiedName => table.through ?? table;

/** What the database itself has, and the schema of the table. */
export const searchPathFor = (
  { searchPath = '"$user", public' }: Pick<Contents, 'searchPath'>,
  { schema }: Pick<QualifiedName, 'schema'>,
): string => [searchPath, quoteIdentifier(schema)].join(', ');

/** The statement that sets it; '' is what everything else runs with. */
export const searchPathSql = (path: string): string =>
  `select pg_catalog.set_config('search_path', ${quoteLiteral(path).trim()}, false);`;
