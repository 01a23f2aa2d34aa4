// How much a prune frees, and how it is told how much to leave.
import { sizeBytes } from '#lib/byte-size.ts';
import { HoldfastError } from '#lib/errors.ts';
import { formatBytes, plural } from '#lib/format.ts';
import type { PruneOptions, PruneReport } from '#repository/contract.ts';
import { flag, value } from './command.ts';
import type { Output } from './output.ts';

export const pruneOptions = {
  maxUnused: value(
    '--max-unused <limit>',
    'leave so much unused data where taking it out means copying: 5%, 10MB or unlimited (default: 5%)',
  ),
  dryRun: flag('-n, --dry-run', 'say what would be done, and change nothing'),
};

/** '5%', '10MB' (of 1024 × 1024 bytes, as with restic) or 'unlimited'. */
export const maxUnusedOf = (text = '5%'): PruneOptions['maxUnused'] => {
  if (text === 'unlimited') return { bytes: Number.POSITIVE_INFINITY };
  const [, share] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (share !== undefined && Number(share) <= 100) return { share: Number(share) / 100 };
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  if (number !== undefined) return { bytes: sizeBytes(number, unit) };
  throw new HoldfastError(
    'USAGE',
    `--max-unused ${text} is neither a share (5%), a size (10MB) nor unlimited`,
  );
};

export const reportPrune = (
  output: Output,
  repository: string,
  report: PruneReport,
  dryRun: boolean,
): void => {
  output.progressDone();
  const { packsDeleted, packsRepacked, bytesFreed, bytesKept, bytesUnusedKept } = report;
  const copied =
    packsRepacked > 0 ? ` (of ${packsRepacked} the used data ${dryRun ? 'would be' : 'was'} copied)` : '';
  output.say(
    {
      message_type: 'pruned',
      repository,
      dry_run: dryRun,
      packs_deleted: packsDeleted,
      packs_repacked: packsRepacked,
      bytes_repacked: report.bytesRepacked,
      bytes_freed: bytesFreed,
      bytes_kept: bytesKept,
      bytes_unused_kept: bytesUnusedKept,
    },
    packsDeleted === 0
      ? `${repository}: nothing to remove; ${formatBytes(bytesKept)} stored, ${formatBytes(bytesUnusedKept)} of it unused`
      : `${repository}: ${dryRun ? 'would free' : 'freed'} ${formatBytes(bytesFreed)}, removing ${plural(packsDeleted, 'pack')}${copied}; ` +
          `${formatBytes(bytesKept)} ${dryRun ? 'would stay' : 'stay'}, ${formatBytes(bytesUnusedKept)} of it unused`,
  );
};
