// What sources of a kind can do, known before one is opened.
import { couchdb } from './couchdb/couchdb.ts';
import { files } from './files/files.ts';
import { mongodb } from './mongodb/mongodb.ts';
import { mysql } from './mysql/mysql.ts';
import { postgres } from './postgres/postgres.ts';
import { sourceKinds } from './registry.ts';
import type { Ability } from './source.ts';
import { sqlite } from './sqlite/sqlite.ts';
import { sqlserver } from './sqlserver/sqlserver.ts';

/** The name of the kind that `kind:` means, which may be another one of its names; undefined when it means none. */
export const kindNamed = (text: unknown): string | undefined =>
  [...sourceKinds.values()].find(({ name, aliases }) => [name, ...aliases].some((one) => one === text))?.name;

/** The names of the kinds that have the ability. */
export const kindsWith = (ability: Ability): string[] =>
  [files, sqlite, postgres, mysql, mongodb, sqlserver, couchdb]
    .filter(({ abilities }) => abilities.includes(ability))
    .map(({ name }) => name);

/** False, too, for what is no kind. */
export const canDo = (kind: string, ability: Ability): boolean => kindsWith(ability).includes(kind);
