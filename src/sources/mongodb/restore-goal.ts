// What of a backup is to be restored, and where it goes.
import { HoldfastError } from '#lib/errors.ts';
import type { RestoreTarget } from '../source.ts';
import type { Beside } from './beside.ts';
import { accountCollections, accountDatabase } from './choice.ts';
import type { MongodbConfig } from './config.ts';
import type { ContentsCollection, ContentsDatabase, ServerContents } from './contents.ts';

/** One collection, and its name in the target. */
export interface Goal {
  /** Its database in the backup. */
  readonly database: string;
  readonly collection: ContentsCollection;
  readonly into: { readonly database: string; readonly name: string };
  /** Users and roles are not written as documents are. */
  readonly isAccounts: boolean;
}

export interface Plan {
  readonly goals: readonly Goal[];
  /** The databases, by their names in the target, that are restored as a whole. */
  readonly wholeDatabases: readonly string[];
  /** The name in the target of a collection of such a database; undefined for what stays away. */
  nameOf(collection: string): string | undefined;
}

/** Which collections go where; whole databases beside what is there, when told so. USAGE for what cannot be meant. */
export const planOf = (
  contents: ServerContents,
  config: MongodbConfig,
  into: RestoreTarget,
  beside?: Beside,
): Plan => {
  const nameOf: Plan['nameOf'] = beside?.nameOf ?? ((name) => name);
  const goals: Goal[] = [];
  const whole = new Map<string, string>();
  const usedRenames = new Set<string>();
  for (const database of contents.databases) {
    const chosen = chosenOf(database, into.selection);
    if (chosen.length === 0 && !isWhole(database, into.selection)) continue;
    const name = targetDatabase(database.name, config, into, usedRenames);
    const isAll = isWhole(database, into.selection);
    if (isAll) claim(whole, name, database.name);
    for (const collection of chosen) {
      const ownName = isAll ? nameOf(collection.name) : renamed(collection.name, into, usedRenames);
      if (ownName === undefined) continue;
      goals.push({
        database: database.name,
        collection,
        into: { database: name, name: ownName },
        isAccounts: database.name === accountDatabase && accountCollections.includes(collection.name),
      });
    }
  }
  if (goals.length === 0 && contents.databases.length > 0 && into.selection !== undefined)
    throw new HoldfastError('TARGET_FAILED', 'nothing of the snapshot was chosen', {
      hint: 'name a path that it has: holdfast ls',
    });
  assertRenamesUsed(into, usedRenames, goals, contents);
  return { goals: goals.toSorted(viewsLast), wholeDatabases: [...whole.keys()], nameOf };
};

/** Then what is restored may go among other documents of its collection. */
export const choosesDocuments = ({ query, records }: RestoreTarget): boolean =>
  query !== undefined || records !== undefined;

const isEverything = (selection: readonly string[] | undefined): boolean =>
  selection === undefined || selection.includes('');

const isWhole = ({ name }: ContentsDatabase, selection: readonly string[] | undefined): boolean =>
  isEverything(selection) || (selection ?? []).some((path) => !path.includes('/') && fits(path, name));

/** With an empty selection something else chose the files: then their own coming decides, and all are awaited. */
const chosenOf = (
  database: ContentsDatabase,
  selection: readonly string[] | undefined,
): ContentsCollection[] =>
  database.collections.filter(
    ({ documents, metadata }) =>
      isWhole(database, selection) ||
      selection?.length === 0 ||
      (selection ?? []).some((path) =>
        [documents, metadata].some((file) => file !== undefined && fits(path, `${database.name}/${file}`)),
      ),
  );

const fits = (pattern: string, path: string): boolean =>
  pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;

/** Where it is renamed to, else the one database that the target names, else its own name. */
const targetDatabase = (
  database: string,
  { databases, url }: MongodbConfig,
  { rename }: RestoreTarget,
  used: Set<string>,
): string => {
  const to = rename.find(([from]) => from === database)?.[1];
  if (to !== undefined) used.add(database);
  if (to !== undefined || database === accountDatabase) return to ?? database;
  return (databases === undefined ? url.database : undefined) ?? database;
};

const claim = (whole: Map<string, string>, name: string, database: string): void => {
  const rival = whole.get(name);
  if (rival !== undefined)
    throw new HoldfastError('USAGE', `both ${rival} and ${database} would become the database ${name}`, {
      hint: 'choose one of them with --path, or leave the database out of the target’s URL',
    });
  whole.set(name, database);
};

const renamed = (name: string, { rename }: RestoreTarget, used: Set<string>): string => {
  const to = rename.find(([from]) => from === name)?.[1];
  if (to !== undefined) used.add(name);
  return to ?? name;
};

const assertRenamesUsed = (
  { rename }: RestoreTarget,
  used: ReadonlySet<string>,
  goals: readonly Goal[],
  contents: ServerContents,
): void => {
  for (const [from] of rename)
    if (!used.has(from))
      throw new HoldfastError('USAGE', `there is nothing named ${from} to rename`, {
        hint: `the snapshot has ${contents.databases.map(({ name }) => name).join(', ')}; collections are renamed when they are restored by themselves`,
      });
  const names = goals.map(({ into }) => `${into.database}.${into.name}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new HoldfastError('USAGE', `two collections would become ${twice}`);
};

const viewsLast = (a: Goal, b: Goal): number =>
  Number(a.collection.type === 'view') - Number(b.collection.type === 'view');
