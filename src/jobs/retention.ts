// Which snapshots are kept: restic's rules, applied to each source of each kind and host on its own, and what Holdfast promises
// beyond them: nothing that is incomplete, suspicious or dated in the future takes the place of a good snapshot, and the last good one stays.
import type { KeepRules } from '#config/keep.ts';
import type { Snapshot } from '#repository/contract.ts';
import { isGood, isPartial, originOf, tagOf } from './snapshot-choice.ts';
import { type Moment, momentOf, startOfSpan } from './snapshot-moment.ts';

/** What becomes of a snapshot: kept for these reasons, or, where there is none, forgotten. */
export interface Verdict {
  readonly snapshot: Snapshot;
  readonly reasons: readonly string[];
}

/** The tag that keeps a snapshot whatever the rules say. */
export const pinTag = 'pinned';

export const isPinned = ({ tags }: Snapshot): boolean => tags.includes(pinTag);

/** One verdict a snapshot, by source, kind and host, the newest of each first. */
export const applyRetention = (snapshots: readonly Snapshot[], rules: KeepRules, now: Date): Verdict[] =>
  groupsOf(snapshots).flatMap((group) => judge(group, rules, now));

/** The newest complete snapshot of each source, kind and host: what `forget` never removes. */
export const lastGoodOnes = (snapshots: readonly Snapshot[], now: Date): Snapshot[] =>
  groupsOf(snapshots).flatMap((group) => {
    const past = group.filter((snapshot) => snapshot.time <= now && isGood(snapshot));
    const good = past.length > 0 ? past : group.filter(isGood);
    return good.slice(0, 1);
  });

interface Dated {
  readonly snapshot: Snapshot;
  readonly moment: Moment;
}

const groupsOf = (snapshots: readonly Snapshot[]): Snapshot[][] => {
  const newestFirst = snapshots
    .map((snapshot): Dated => ({ snapshot, moment: momentOf(snapshot) }))
    .toSorted(
      (a, b) => descending(a.moment.nanos, b.moment.nanos) || (a.snapshot.id < b.snapshot.id ? -1 : 1),
    );
  return [...Map.groupBy(newestFirst, ({ snapshot }) => groupKey(snapshot)).values()].map((group) =>
    group.map(({ snapshot }) => snapshot),
  );
};

const descending = (a: bigint, b: bigint): number => (a > b ? -1 : a < b ? 1 : 0);

const groupKey = (snapshot: Snapshot): string =>
  JSON.stringify([
    tagOf(snapshot, 'source') === undefined ? snapshot.paths.toSorted() : originOf(snapshot),
    tagOf(snapshot, 'kind'),
    snapshot.hostname,
  ]);

const judge = (group: readonly Snapshot[], rules: KeepRules, now: Date): Verdict[] => {
  const reasons = new Map<Snapshot, string[]>(group.map((snapshot) => [snapshot, []]));
  const keep = (snapshot: Snapshot, ...why: readonly string[]): void =>
    void reasons.get(snapshot)?.push(...why);
  if (Object.values(rules).every((rule) => rule === undefined)) {
    for (const snapshot of group) keep(snapshot, 'no rules');
    return verdicts(reasons);
  }
  const past = group.filter(({ time }) => time <= now);
  const good = past.filter(isGood);
  const [newest = past[0]] = good;
  for (const snapshot of group) {
    if (isPinned(snapshot)) keep(snapshot, 'pinned');
    if (snapshot.time > now) keep(snapshot, 'dated in the future');
    keep(snapshot, ...tagReasons(snapshot, rules));
  }
  if (newest) keepWithin(past, rules, newest, keep);
  keepWithinSecond(past, good, rules, keep);
  countPeriods(good, rules, keep);
  // What came after the last good one is all there is of that time: it stays, by the same rules, until a good one follows.
  const since = good[0] ? past.slice(0, past.indexOf(good[0])) : past;
  countPeriods(since, rules, (snapshot, why) =>
    keep(snapshot, `${isPartial(snapshot) ? 'partial' : 'suspicious'}, nothing complete since: ${why}`),
  );
  if (good[0] && reasons.get(good[0])?.length === 0) keep(good[0], 'last complete snapshot');
  return verdicts(reasons);
};

const verdicts = (reasons: ReadonlyMap<Snapshot, readonly string[]>): Verdict[] =>
  [...reasons].map(([snapshot, why]) => ({ snapshot, reasons: why }));

type Keep = (snapshot: Snapshot, why: string) => void;

const tagReasons = ({ tags }: Snapshot, { tag = [] }: KeepRules): string[] =>
  tag
    .filter((wanted) => wanted.split(',').every((one) => tags.includes(one)))
    .map((wanted) => `tag ${wanted}`);

const keepWithin = (list: readonly Snapshot[], { within }: KeepRules, newest: Snapshot, keep: Keep): void => {
  if (within === undefined) return;
  const start = startOfSpan(momentOf(newest), within);
  for (const snapshot of list) if (momentOf(snapshot).nanos > start) keep(snapshot, `within ${within}`);
};

/** One alone, which a clock that was ahead may have dated, ends no span: those of the one before it stay until another has followed. */
const keepWithinSecond = (
  past: readonly Snapshot[],
  [newest, second]: readonly Snapshot[],
  { within }: KeepRules,
  keep: Keep,
): void => {
  if (within === undefined || newest === undefined || second === undefined) return;
  if (momentOf(second).nanos > startOfSpan(momentOf(newest), within)) return;
  const start = startOfSpan(momentOf(second), within);
  for (const snapshot of past)
    if (momentOf(snapshot).nanos > start && momentOf(snapshot).nanos <= momentOf(second).nanos)
      keep(snapshot, `within ${within} of the last but one`);
};

/** Snapshots with the same value are of the same period. */
const periods: Readonly<Record<string, (moment: Moment, at: number) => string>> = {
  last: (_, at) => String(at),
  hourly: ({ day, hour }) => `${day}T${hour}`,
  daily: ({ day }) => day,
  weekly: ({ week }) => week,
  monthly: ({ month }) => month,
  yearly: ({ year }) => year,
};

const rulesOfPeriods = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/**
 * The first snapshot of each period, newest first, until the count is used up; where some of it is left, the oldest snapshot
 * too, so that the history reaches back as far as it can.
 */
const countPeriods = (newestFirst: readonly Snapshot[], rules: KeepRules, keep: Keep): void => {
  const moments = newestFirst.map(momentOf);
  for (const name of rulesOfPeriods) {
    const rule = rules[name];
    let left = rule === 'unlimited' ? Number.POSITIVE_INFINITY : (rule ?? 0);
    let last: string | undefined;
    for (const [at, snapshot] of newestFirst.entries()) {
      if (left <= 0) break;
      const period = periods[name]?.(moments[at] as Moment, at);
      const oldest = at === newestFirst.length - 1;
      if (period === last && !oldest) continue;
      keep(snapshot, period === last ? `oldest ${name}` : name);
      last = period;
      left -= 1;
    }
  }
};
