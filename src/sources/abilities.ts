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

const kinds = [files, sqlite, postgres, mysql, mongodb, sqlserver, couchdb];

/** The names of the kinds that have the ability. */
export const kindsWith = (ability: Ability): string[] =>
  kinds.filter(({ abilities }) => abilities.includes(ability)).map(({ name }) => name);

/** The same for people: also 'files with `fsSnapshot`', where it takes such a key. */
export const whoCan = (ability: Ability): string[] => [
  ...kindsWith(ability),
  ...kinds.flatMap(({ name }) => keysFor(name, ability).map((key) => `${name} with \`${key}\``)),
];

/** False, too, for what is no kind. `keys` are those of the source's configuration. */
export const canDo = (kind: string, ability: Ability, keys: readonly string[] = []): boolean =>
  kindsWith(ability).includes(kind) || keysFor(kind, ability).some((key) => keys.includes(key));

const keysFor = (kind: string, ability: Ability): string[] => {
  const byKey = kinds.find(({ name }) => name === kind)?.abilitiesByKey ?? {};
  return Object.keys(byKey).filter((key) => byKey[key] === ability);
};
