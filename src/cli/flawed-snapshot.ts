// A snapshot that is not good comes back all the same, where it was named or is the newest: whoever restores it is told.
import { isPartial, isRepaired, isSuspicious, originOf } from '#jobs/snapshot-choice.ts';
import { formatTime, shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { Call } from './command.ts';

/** Says what is wrong with it, and which other one of its source and host is the newest that is whole. */
export const warnIfNotGood = async (
  { output, clock }: Pick<Call, 'output' | 'clock'>,
  repository: Repository,
  snapshot: Snapshot,
): Promise<void> => {
  const flaws = flawsOf(snapshot, clock.now());
  if (flaws.length === 0) return;
  const whole = (await repository.snapshots()).findLast(
    (other) =>
      originOf(other) === originOf(snapshot) &&
      other.hostname === snapshot.hostname &&
      flawsOf(other, clock.now()).length === 0,
  );
  output.warn(
    `snapshot ${shortId(snapshot.id)} of ${originOf(snapshot)} ${flaws.join(', and ')}`,
    whole ? `the newest complete one is ${shortId(whole.id)}, of ${formatTime(whole.time)}` : undefined,
  );
};

/** Each as a sentence without a subject. */
const flawsOf = (snapshot: Snapshot, now: Date): string[] => [
  ...(isRepaired(snapshot) ? ['was repaired: what could not be saved is not in it'] : []),
  ...(isPartial(snapshot) && !isRepaired(snapshot) ? ['is partial: items are missing in it'] : []),
  ...(isSuspicious(snapshot) ? ['is suspicious: it is too unlike those before it'] : []),
  ...(snapshot.time > now
    ? [
        `is dated in the future (${formatTime(snapshot.time)}): a clock was wrong, and newer ones may seem older`,
      ]
    : []),
];
