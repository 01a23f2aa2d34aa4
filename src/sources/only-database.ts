// One database: the only one of a source, or of a snapshot, for work that is about one.
import { HoldfastError } from '#lib/errors.ts';
import { isLiteral } from './patterns.ts';

/** What a configuration says of databases; names may be patterns. */
interface Choice {
  readonly databases?: 'all' | readonly string[] | undefined;
}

interface Settings {
  readonly database?: string | undefined;
}

/** CONFIG_INVALID when the configuration names none, or may mean several; `work` begins the message. */
export const onlyDatabase = (config: Choice, settings: Settings, work: string): string => {
  const named = namedDatabase(config, settings, work);
  if (named === undefined) throw notOne(work);
  return named;
};

/** The same where the server may choose when none is named: undefined then. */
export const namedDatabase = (
  { databases }: Choice,
  { database }: Settings,
  work: string,
): string | undefined => {
  if (mayBeSeveral({ databases })) throw notOne(work);
  return (Array.isArray(databases) ? databases[0] : undefined) ?? database;
};

/** Whatever the server has, and whichever is connected to. */
export const mayBeSeveral = ({ databases }: Choice): boolean =>
  databases === 'all' || (databases !== undefined && (databases.length > 1 || !databases.every(isLiteral)));

const notOne = (work: string): HoldfastError =>
  new HoldfastError('CONFIG_INVALID', `${work} is of one database`, {
    hint: 'give the source one `database`',
  });

/** UNSUPPORTED when the snapshot that is to be received holds none or several. */
export const onlyReceived = (databases: readonly string[]): string => {
  const [database, another] = databases;
  if (database !== undefined && another === undefined) return database;
  throw new HoldfastError(
    'UNSUPPORTED',
    databases.length === 0
      ? 'the snapshot holds no database'
      : `the snapshot holds ${databases.length} databases`,
    { hint: 'one database is received from a snapshot of one: back each up as a source of its own' },
  );
};
