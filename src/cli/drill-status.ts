// For `status`: which sources and restore points are known to restore, since when, and how long it takes.
import type { Differed, Drill, ShownProof } from '#catalog/drill.ts';
import type { PointProof } from '#catalog/drilled-point.ts';
import { formatAge, formatDuration } from '#lib/format.ts';
import type { Output } from './output.ts';
import { wholeOf } from './point-report.ts';

/** A line for each source that was ever drilled: «proven <when>, restored in <time>». */
export const showProofs = async (output: Output, proofs: readonly ShownProof[], now: Date): Promise<void> => {
  for (const proof of proofs) await output.result(proofFields(proof), proofLine(proof, proofs, now));
};

const proofLine = (proof: ShownProof, all: readonly ShownProof[], now: Date): string => {
  const { source, repository, proven, last, differed } = proof;
  const several = all.filter((other) => other.source === source).length > 1;
  const name = several ? `${source} in ${repository}` : source;
  const known = proven
    ? `proven ${formatAge(proven.at, now)}, restored in ${formatDuration(proven.restoreMs)}`
    : 'never proven';
  return `${name}: ${known}${lastText(last)}${differedText(differed, 'queries', now)}`;
};

/** A line for each backup job whose restore points were drilled as a whole. */
export const showPointProofs = async (
  output: Output,
  proofs: readonly PointProof[],
  now: Date,
): Promise<void> => {
  for (const proof of proofs) {
    const several = proofs.filter(({ last }) => last.job === proof.last.job).length > 1;
    await output.result(pointProofFields(proof), pointProofLine(proof, several, now));
  }
};

const pointProofLine = ({ last, proven, differed }: PointProof, several: boolean, now: Date): string => {
  const name = `restore points of ${last.job}${several ? ` in ${last.repository}` : ''}`;
  const known = proven
    ? `proven as a whole ${formatAge(proven.endedAt, now)} (${wholeOf(proven.sources, proven.queries)})`
    : 'never proven as a whole';
  return `${name}: ${known}${lastText(last)}${differedText(differed, 'queries across them', now)}`;
};

const lastText = ({ state }: Pick<Drill, 'state'>): string =>
  state === 'passed' ? '' : `; the last drill ${standing[state]}`;

/** What was wrong when it was asked stays so until it is asked again. */
const differedText = (differed: Differed | undefined, what: string, now: Date): string =>
  differed ? `; ${what} were last asked ${formatAge(differed.at, now)}, and found a difference` : '';

const pointProofFields = ({ last, proven, differed }: PointProof) => ({
  message_type: 'point_proof',
  job: last.job,
  repository: last.repository,
  proven_at: proven?.endedAt,
  run: proven?.point,
  time: proven?.pointTime,
  queries_differed_at: differed?.at,
  last_drill: { run: last.run, state: last.state, started_at: last.startedAt },
});

const standing = {
  running: 'is running',
  interrupted: 'was interrupted',
  differs: 'found a difference',
  failed: 'failed',
  cancelled: 'was cancelled',
} as const;

const proofFields = ({ source, repository, proven, last, differed }: ShownProof) => ({
  message_type: 'proof',
  source,
  repository,
  proven_at: proven?.at,
  restore_ms: proven?.restoreMs,
  snapshot_time: proven?.snapshotTime,
  queries_differed_at: differed?.at,
  last_drill: { drill: last.id, state: last.state, started_at: last.startedAt },
});
