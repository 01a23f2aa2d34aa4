// Which table of a snapshot a name in a query stands for.
import { HoldfastError } from '#lib/errors.ts';
import { plural, printable } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { ManifestTable } from '#sources/manifest.ts';
import type { FoundManifest } from '../manifests.ts';
import { isCalled } from '../rows/table-names.ts';

export interface NamedTable {
  readonly database: FoundManifest;
  /** As the manifest has it: 'public.orders'. */
  readonly name: string;
  /** Where its rows are: a partitioned table has them in its parts. */
  readonly tables: readonly ManifestTable[];
}

/**
 * The table of that name: in full, without its schema, or behind the name of its database; in lower or upper case where no other
 * is meant; or the only one of the database of that name. PATH_UNKNOWN where there is none, USAGE where there are several, ITEM_UNREADABLE for one that was not captured.
 */
export const namedTable = (wanted: string, databases: readonly FoundManifest[]): NamedTable => {
  const candidates = databases.flatMap(tablesOf);
  for (const isMeant of [by(asIs), by(lowerCase), byDatabase]) {
    const found = candidates.filter((candidate) => isMeant(candidate, wanted));
    const first = found.filter(({ name }) => inDefaultSchema(name, wanted));
    const [only, ...others] = first.length === 1 ? first : found;
    if (only && others.length > 0) throw ambiguous(wanted, found);
    if (only) return captured(only);
  }
  const names = candidates.flatMap(({ name }) => [name, name.slice(name.indexOf('.') + 1)]);
  throw new HoldfastError(
    'PATH_UNKNOWN',
    `the snapshot has no table "${printable(wanted)}"${didYouMean(wanted, names)}`,
    { hint: '`holdfast ls` shows those that it has; what a view shows is not in a snapshot' },
  );
};

const asIs = (name: string): string => name;
const lowerCase = (name: string): string => name.toLowerCase();

/** Where a table is looked for first that is named without its schema. */
const inDefaultSchema = (name: string, wanted: string): boolean =>
  ['', 'public.', 'dbo.'].some((schema) => lowerCase(name) === lowerCase(schema + wanted));

interface Candidate extends Omit<NamedTable, 'tables'> {
  /** The names of the tables with its rows. */
  readonly parts: readonly string[];
}

const tablesOf = (database: FoundManifest): Candidate[] => {
  const { tables, missing, partitioned = [] } = database.manifest;
  return [
    ...[...tables, ...missing].map(({ name }) => ({ database, name, parts: [name] })),
    ...partitioned.map((parent) => ({ database, name: parent.name, parts: parent.tables })),
  ];
};

type IsMeant = (candidate: Candidate, wanted: string) => boolean;

const by =
  (fold: (name: string) => string): IsMeant =>
  ({ database, name }, wanted) => {
    const [first, rest] = splitAtDot(wanted);
    const isWithin = ['main', ...namesOf(database)].some((own) => fold(own) === fold(first));
    return [wanted, ...(rest !== undefined && isWithin ? [rest] : [])].some((one) =>
      isCalled(fold(name), fold(one)),
    );
  };

/** A database of CouchDB is its documents. */
const byDatabase: IsMeant = ({ database, name }, wanted) =>
  (name === 'documents' || database.manifest.tables.length === 1) &&
  namesOf(database).some((own) => lowerCase(own) === lowerCase(wanted));

/** What a database is called, in its manifest and by its folder. */
const namesOf = ({ folder, manifest }: FoundManifest): string[] => [
  manifest.database,
  folder.slice(folder.lastIndexOf('/') + 1),
];

/** The parts before and behind the first dot. */
const splitAtDot = (name: string): readonly [string, string | undefined] => {
  const dot = name.indexOf('.');
  return dot < 1 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)];
};

const captured = ({ database, name, parts }: Candidate): NamedTable => {
  const { manifest } = database;
  const lost = manifest.missing.find((each) => parts.includes(each.name));
  if (lost)
    throw new HoldfastError('ITEM_UNREADABLE', `table ${lost.name} was not captured: ${lost.reason}`, {
      hint: 'ask an older snapshot',
    });
  return { database, name, tables: manifest.tables.filter((table) => parts.includes(table.name)) };
};

const ambiguous = (wanted: string, found: readonly Candidate[]): HoldfastError =>
  new HoldfastError(
    'USAGE',
    `"${wanted}" is the name of ${plural(found.length, 'table')}: ${found.map(({ database, name }) => printable(`${database.folder}: ${name}`)).join(', ')}`,
    { hint: 'put the name of its schema or database in front, with a dot' },
  );
