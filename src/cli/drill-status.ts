// For `status`: which sources are known to restore, since when, and how long it takes.
import type { ShownProof } from '#catalog/drill.ts';
import { formatAge, formatDuration } from '#lib/format.ts';
import type { Output } from './output.ts';

/** A line for each source that was ever drilled: «proven <when>, restored in <time>». */
export const showProofs = async (output: Output, proofs: readonly ShownProof[], now: Date): Promise<void> => {
  for (const proof of proofs) await output.result(proofFields(proof), proofLine(proof, proofs, now));
};

const proofLine = (proof: ShownProof, all: readonly ShownProof[], now: Date): string => {
  const { source, repository, proven, last } = proof;
  const several = all.filter((other) => other.source === source).length > 1;
  const name = several ? `${source} in ${repository}` : source;
  const known = proven
    ? `proven ${formatAge(proven.at, now)}, restored in ${formatDuration(proven.restoreMs)}`
    : 'never proven';
  return last.state === 'passed'
    ? `${name}: ${known}`
    : `${name}: ${known}; the last drill ${standing[last.state]}`;
};

const standing = {
  running: 'is running',
  interrupted: 'was interrupted',
  differs: 'found a difference',
  failed: 'failed',
  cancelled: 'was cancelled',
} as const;

const proofFields = ({ source, repository, proven, last }: ShownProof) => ({
  message_type: 'proof',
  source,
  repository,
  proven_at: proven?.at,
  restore_ms: proven?.restoreMs,
  snapshot_time: proven?.snapshotTime,
  last_drill: { drill: last.id, state: last.state, started_at: last.startedAt },
});
