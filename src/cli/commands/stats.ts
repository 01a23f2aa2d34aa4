// holdfast stats: how much room snapshots take.
import { chooseSnapshot, matchingSome } from '#jobs/snapshot-choice.ts';
import { formatBytes, plural } from '#lib/format.ts';
import { defineCommand } from '../command.ts';
import { nameOf } from '../find-snapshots.ts';
import { jobContext } from '../job-context.ts';
import { showFailedItem } from '../job-report.ts';
import { filterOf, readOptions, withChosenRepository } from '../snapshot-options.ts';

export const command = defineCommand({
  description: `Says how much room snapshots take: what a restore of each of them would write, and what is stored for all of
them together, where everything that is the same is stored once, and compressed.`,
  args: [
    {
      usage: '[snapshot...]',
      text: 'ids, latest, or latest:<source>; none: all that the filters let through',
    },
  ],
  options: readOptions,
  examples: [
    ['stats', 'all snapshots'],
    ['stats --source shop', 'those of one source'],
  ],
  statuses: [3, 10, 11, 12, 14],
  run: (call) =>
    withChosenRepository(call, async (repository) => {
      const { args, output, signal } = call;
      const filter = filterOf(call.options);
      const all = await repository.snapshots();
      const chosen =
        args.length > 0
          ? [...new Set(args.map((word) => chooseSnapshot(all, word, filter)))]
          : matchingSome(all, filter);
      const { onEvent } = jobContext(call);
      let failed = 0;
      const usage = await repository.usage(chosen, {
        onDamaged: (snapshot, error) => {
          failed += 1;
          showFailedItem(output, nameOf(snapshot), error);
        },
        signal,
        onProgress: (progress) => onEvent({ type: 'progress', subject: repository.location, progress }),
      });
      output.progressDone();
      const { snapshots, files, bytes, blobs, bytesPlain, bytesStored, packs, bytesOfPacks } = usage;
      if (output.json)
        await output.result(
          {
            message_type: 'summary',
            snapshots,
            files,
            restore_bytes: bytes,
            blobs,
            plain_bytes: bytesPlain,
            stored_bytes: bytesStored,
            packs,
            pack_bytes: bytesOfPacks,
            items_failed: failed,
          },
          undefined,
        );
      const ratio = bytesStored > 0 ? `, ${(bytes / bytesStored).toFixed(1)} times as much` : '';
      for (const line of [
        `${plural(snapshots, 'snapshot')}: ${plural(files, 'file')}, ${formatBytes(bytes)} when all are restored${ratio}${failed > 0 ? `; ${plural(failed, 'snapshot')} could not be counted whole, named above` : ''}`,
        `stored for them: ${formatBytes(bytesStored)} in ${plural(blobs, 'blob')} (${formatBytes(bytesPlain)} before compression)`,
        `the whole repository: ${formatBytes(bytesOfPacks)} in ${plural(packs, 'pack')}`,
      ])
        await output.result(undefined, line);
      return failed > 0 ? 3 : 0;
    }),
});
