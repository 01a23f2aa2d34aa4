// Keys of the file that are planned, and that this version refuses instead of ignoring. A line goes when its key is honoured.

/** What to do meanwhile, by key; an empty text when there is no substitute. */
type Planned = Readonly<Record<string, (name: string) => string>>;

const inFile: Planned = {};

const inJob: Planned = {};

/** Why a key at this place (`[]` the file, `['jobs', name]` a job) is refused although it is planned; undefined for other keys. */
export const notYet = (path: readonly PropertyKey[], key: string): string | undefined => {
  const planned = path.length === 0 ? inFile : path.length === 2 && path[0] === 'jobs' ? inJob : {};
  const instead = Object.hasOwn(planned, key) ? planned[key]?.(String(path[1])) : undefined;
  return instead === undefined ? undefined : `not available in this version${instead && `; ${instead}`}`;
};
