// What is kept and why, and what is forgotten, as its user reads it.
import { forgotten } from '#jobs/forget.ts';
import type { Verdict } from '#jobs/retention.ts';
import { originOf } from '#jobs/snapshot-choice.ts';
import { formatTime, plural, shortId } from '#lib/format.ts';
import type { Output } from './output.ts';

export interface Forgetting {
  readonly repository: string;
  readonly job?: string | undefined;
  readonly dryRun: boolean;
  readonly verdicts: readonly Verdict[];
}

/** One row a snapshot, with the reasons it is kept for. */
export const showVerdicts = async (
  output: Output,
  { repository, job, verdicts }: Forgetting,
): Promise<void> => {
  if (output.json)
    for (const verdict of verdicts)
      await output.result({ ...verdictFields(verdict), repository, job }, undefined);
  else if (verdicts.length > 0)
    await output.table(
      [
        { title: 'ID' },
        { title: 'Time' },
        { title: 'Source' },
        { title: 'Host' },
        { title: 'Kept' },
        { title: 'Why' },
      ],
      verdicts.map(({ snapshot, reasons }) => [
        shortId(snapshot.id),
        formatTime(snapshot.time),
        originOf(snapshot),
        snapshot.hostname,
        reasons.length > 0 ? 'kept' : 'forgotten',
        reasons.join(', '),
      ]),
    );
};

/** A line for one snapshot, in the middle of other events. */
export const sayVerdict = (output: Output, { repository, job }: Forgetting, verdict: Verdict): void => {
  const { snapshot, reasons } = verdict;
  const what = `${shortId(snapshot.id)}, ${originOf(snapshot)} of ${formatTime(snapshot.time)}`;
  output.say(
    { ...verdictFields(verdict), repository, job },
    reasons.length > 0 ? `would keep ${what}: ${reasons.join(', ')}` : `would forget ${what}`,
  );
};

/** One line for all; of those that were named, none is kept, and others were not looked at. */
export const sayForgotten = (output: Output, { repository, job, dryRun, verdicts }: Forgetting): void => {
  const gone = forgotten(verdicts).length;
  const kept = verdicts.length - gone;
  const who = job === undefined ? repository : `${job}: ${repository}`;
  output.say(
    { message_type: 'forgotten', repository, job, dry_run: dryRun, kept, forgotten: gone },
    `${who}: ${dryRun ? 'would forget' : 'forgot'} ${plural(gone, 'snapshot')}${kept > 0 || gone === 0 ? `, ${dryRun ? 'would keep' : 'kept'} ${kept}` : ''}`,
  );
};

const verdictFields = ({ snapshot, reasons }: Verdict) => ({
  message_type: 'verdict',
  snapshot_id: snapshot.id,
  time: snapshot.time,
  source: originOf(snapshot),
  hostname: snapshot.hostname,
  keep: reasons.length > 0,
  reasons,
});
