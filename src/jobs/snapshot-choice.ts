// Which snapshot is meant: 'latest', 'latest:shop', or the beginning of an id; with '~1' behind it, the one before.
import { HoldfastError } from '#lib/errors.ts';
import { formatTime, plural, shortId } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Snapshot } from '#repository/contract.ts';

export interface SnapshotFilter {
  readonly source?: string | undefined;
  readonly job?: string | undefined;
  readonly host?: string | undefined;
  /** Those of one run are one restore point. */
  readonly run?: string | undefined;
}

/** Tags of the form `name:value`, which say where a snapshot comes from. */
const originTags = ['source', 'kind', 'job', 'run', 'place'] as const;

export const isOriginTag = (tag: string): boolean => originTags.some((name) => tag.startsWith(`${name}:`));

/** The value of such a tag. */
export const tagOf = (snapshot: Snapshot, name: (typeof originTags)[number]): string | undefined =>
  snapshot.tags.find((tag) => tag.startsWith(`${name}:`))?.slice(name.length + 1);

/** True when items that were asked for are missing in it. */
export const isPartial = (snapshot: Snapshot): boolean => snapshot.tags.includes('partial');

/** What the judgement of a new snapshot is kept as, in the repository itself. */
export const suspiciousTag = 'suspicious';
export const acceptedTag = 'accepted';

/** True when it is so unlike those before it that somebody should look first. */
export const isSuspicious = (snapshot: Snapshot): boolean => snapshot.tags.includes(suspiciousTag);

/** True when `repair snapshots` left out what was lost. */
export const isRepaired = (snapshot: Snapshot): boolean => snapshot.tags.includes('repaired');

/** True when nothing is missing in it and nobody has to look. */
export const isGood = (snapshot: Snapshot): boolean => !isPartial(snapshot) && !isSuspicious(snapshot);

/**
 * Snapshots of a partial backup hold some changes and no whole state. They are of a source of their own, whose name no
 * configuration can have, and of a kind of their own: so nothing takes one for a snapshot of the source itself.
 */
const partialEnding = '~partial';
export const partialName = (source: string): string => source + partialEnding;
export const partialKind = (kind: string): string => `${kind}-partial`;
export const isOfPartialBackup = (snapshot: Snapshot): boolean =>
  tagOf(snapshot, 'source')?.endsWith(partialEnding) === true;

/** What a snapshot is of: its source's name, or the paths of one that restic made. */
export const originOf = (snapshot: Snapshot): string => tagOf(snapshot, 'source') ?? snapshot.paths.join(' ');

export const matching = (snapshots: readonly Snapshot[], filter: SnapshotFilter): Snapshot[] =>
  snapshots.filter(
    (snapshot) =>
      (filter.source === undefined || originOf(snapshot) === filter.source) &&
      (filter.job === undefined || tagOf(snapshot, 'job') === filter.job) &&
      (filter.host === undefined || snapshot.hostname === filter.host) &&
      (filter.run === undefined || tagOf(snapshot, 'run') === filter.run),
  );

/** The same; SNAPSHOT_UNKNOWN when that is none of those there are: most likely something in the filter is misspelt. */
export const matchingSome = (snapshots: readonly Snapshot[], filter: SnapshotFilter): Snapshot[] => {
  const found = matching(snapshots, filter);
  if (found.length === 0 && snapshots.length > 0) throw nothingMatches(snapshots, filter);
  return found;
};

/** The newest of each origin, oldest first. */
export const newestOfEach = (snapshots: readonly Snapshot[]): Snapshot[] => [
  ...snapshots
    .toSorted(byTime)
    .reduce((newest, snapshot) => {
      const key = JSON.stringify([originOf(snapshot), snapshot.hostname]);
      newest.delete(key);
      return newest.set(key, snapshot);
    }, new Map<string, Snapshot>())
    .values(),
];

/**
 * The one snapshot a word stands for. `latest` is the newest that the filter lets through, and is refused with USAGE when those
 * are of several sources or hosts: the newest of all would be the one that happened to finish last. An id that the filter does
 * not let through is refused, too. `~` and a number behind the word go back that many snapshots of the same source and host.
 */
export const chooseSnapshot = (
  snapshots: readonly Snapshot[],
  word: string,
  filter: SnapshotFilter,
): Snapshot => {
  const [, start, steps] = /^(.+)~(\d+)$/s.exec(word) ?? [];
  if (start !== undefined)
    return before(chooseSnapshot(snapshots, start, filter), Number(steps), matching(snapshots, filter));
  const [, source] = /^latest:(.+)$/s.exec(word) ?? [];
  if (source !== undefined && filter.source !== undefined && filter.source !== source)
    throw new HoldfastError('USAGE', `"${word}" and --source ${filter.source} contradict each other`);
  if (source !== undefined) return latest(snapshots, { ...filter, source });
  if (word === 'latest') return latest(snapshots, filter);
  const snapshot = byId(snapshots, word);
  if (matching([snapshot], filter).length === 0) throw contradiction(snapshot, word, filter);
  return snapshot;
};

const before = (snapshot: Snapshot, steps: number, snapshots: readonly Snapshot[]): Snapshot => {
  const { hostname } = snapshot;
  const line = matching(snapshots, { source: originOf(snapshot), host: hostname }).toSorted(byTime);
  const at = line.indexOf(snapshot);
  const found = line[at - steps];
  if (found) return found;
  throw new HoldfastError(
    'SNAPSHOT_UNKNOWN',
    `${plural(at, 'snapshot')} of ${originOf(snapshot)} from ${hostname} ${at === 1 ? 'is' : 'are'} older than ${shortId(snapshot.id)}, not ${steps}`,
    { hint: '`holdfast snapshots` lists them' },
  );
};

const contradiction = (snapshot: Snapshot, word: string, filter: SnapshotFilter): HoldfastError => {
  const { source, job, host, run } = filter;
  const asked = Object.entries({ source, job, host, run }).flatMap(([name, value]) =>
    value === undefined ? [] : `--${name} ${value}`,
  );
  const ofJob = tagOf(snapshot, 'job');
  return new HoldfastError('USAGE', `"${word}" and ${asked.join(', ')} contradict each other`, {
    hint: `it is of source ${originOf(snapshot)}${ofJob === undefined ? '' : `, job ${ofJob}`} and host ${snapshot.hostname}`,
  });
};

const latest = (snapshots: readonly Snapshot[], filter: SnapshotFilter): Snapshot => {
  const matched = matching(snapshots, filter);
  const found = newestOfEach(
    filter.source === undefined ? matched.filter((snapshot) => !isOfPartialBackup(snapshot)) : matched,
  );
  const [only, ...others] = found;
  if (only === undefined) throw nothingMatches(snapshots, filter);
  if (others.length === 0) return only;
  const names = [...new Set(found.map(originOf))];
  if (names.length > 1)
    throw new HoldfastError(
      'USAGE',
      `"latest" could be any of ${names.length} sources: ${names.join(', ')}`,
      {
        hint: `say which: latest:${names[0]}, or --source ${names[0]}`,
      },
    );
  const newestFirst = found.toReversed();
  const hosts = newestFirst.map(({ hostname, time }) => `${hostname} (${formatTime(time)})`);
  throw new HoldfastError(
    'USAGE',
    `"latest" of ${names[0]} could be of any of these hosts: ${hosts.join(', ')}`,
    { hint: `say which: --host ${newestFirst[0]?.hostname}` },
  );
};

const nothingMatches = (snapshots: readonly Snapshot[], filter: SnapshotFilter): HoldfastError => {
  if (snapshots.length === 0)
    return new HoldfastError('SNAPSHOT_UNKNOWN', 'the repository holds no snapshots yet', {
      hint: '`holdfast backup` makes one',
    });
  const asked = [
    filter.source === undefined ? [] : `of source "${filter.source}"`,
    filter.job === undefined ? [] : `of job "${filter.job}"`,
    filter.host === undefined ? [] : `from host "${filter.host}"`,
    filter.run === undefined ? [] : `of run "${filter.run}"`,
  ].flat();
  const sources = [...new Set(snapshots.map(originOf))];
  const mistyped = filter.source !== undefined && !sources.includes(filter.source);
  const near = mistyped ? didYouMean(filter.source, sources) : '';
  return new HoldfastError('SNAPSHOT_UNKNOWN', `no snapshot ${asked.join(' and ')}${near}`, {
    hint: `the repository holds snapshots of ${sources.slice(0, 10).join(', ')}${sources.length > 10 ? ' …' : ''}; \`holdfast snapshots\` lists them`,
  });
};

const byId = (snapshots: readonly Snapshot[], word: string): Snapshot => {
  const found = /^[0-9a-f]{1,64}$/.test(word) ? snapshots.filter(({ id }) => id.startsWith(word)) : [];
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined)
    throw new HoldfastError('SNAPSHOT_UNKNOWN', `no snapshot "${word}"`, {
      hint: 'give an id from `holdfast snapshots` or the beginning of one, or "latest"',
    });
  const candidates = found
    .slice(0, 5)
    .map((snapshot) => `${snapshot.id.slice(0, 12)} (${originOf(snapshot)})`);
  throw new HoldfastError('SNAPSHOT_UNKNOWN', `"${word}" begins the ids of ${found.length} snapshots`, {
    hint: `give more of the id: ${candidates.join(', ')}${found.length > 5 ? ', …' : ''}`,
  });
};

const byTime = (one: Snapshot, other: Snapshot): number => one.time.getTime() - other.time.getTime();
