// holdfast verify: is each snapshot what was captured?
import { chooseSnapshot, matching, newestOfEach, originOf } from '#jobs/snapshot-choice.ts';
import { type VerifyReport, verifySnapshot } from '#jobs/verify.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { formatBytes, plural, printable, shortId } from '#lib/format.ts';
import type { Snapshot } from '#repository/contract.ts';
import { type Call, defineCommand, flag, type OptionSpecs } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { showFailedItem } from '../job-report.ts';
import type { Output } from '../output.ts';
import { filterOf, readOptions, withChosenRepository } from '../snapshot-options.ts';

const options = { ...readOptions, all: flag('-a, --all', 'every snapshot that the filters let through') };

export const command = defineCommand({
  description: `Reads snapshots from end to end and holds them against what was captured: the size of every file, and of
every table of a database the number of rows, bytes and a checksum of the rows. Everything read is also
verified cryptographically. Without a snapshot, the newest of each source is taken.`,
  args: [{ usage: '[snapshot]', text: 'latest, latest:<source>, or the beginning of an id' }],
  options,
  examples: [
    ['verify', 'the newest snapshot of each source'],
    ['verify 3fa8c2d1', 'one snapshot'],
    ['verify --all --source shop', 'all of one source'],
  ],
  statuses: [3, 4, 10, 11, 12, 14],
  run: (call) =>
    withChosenRepository(call, async (repository) => {
      const { output } = call;
      const reports: VerifyReport[] = [];
      const damaged: HoldfastError[] = [];
      const snapshots = chosen(await repository.snapshots(), call);
      for (const snapshot of snapshots)
        try {
          const report = await verifySnapshot(repository, snapshot, jobContext(call));
          showReport(output, report);
          reports.push(report);
        } catch (error) {
          if (snapshots.length === 1 || !hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
          damaged.push(error);
          output.progressDone();
          showFailedItem(output, `snapshot ${shortId(snapshot.id)} of ${originOf(snapshot)}`, error);
        }
      return summarize(output, reports, damaged.length);
    }),
});

const chosen = (snapshots: readonly Snapshot[], call: Call<OptionSpecs & typeof options>): Snapshot[] => {
  const [word] = call.args;
  const filter = filterOf(call.options);
  if (word !== undefined && call.options.all)
    throw new HoldfastError('USAGE', `"${word}" and --all contradict each other`);
  if (word !== undefined) return [chooseSnapshot(snapshots, word, filter)];
  const found = matching(snapshots, filter);
  if (found.length === 0) chooseSnapshot(snapshots, 'latest', filter); // says why there is none
  return call.options.all ? found : newestOfEach(found);
};

const showReport = (output: Output, report: VerifyReport): void => {
  output.progressDone();
  const subject = originOf(report.snapshot);
  const snapshot_id = report.snapshot.id;
  for (const text of report.differences)
    output.failure(
      { message_type: 'difference', subject, snapshot_id, text },
      `${subject}: ${printable(text)}`,
    );
  for (const text of report.missing)
    output.failure(
      { message_type: 'missing', subject, snapshot_id, text },
      `${subject}: not captured by the backup: ${printable(text)}`,
    );
  const { files, bytes, tables, rows, databases } = report;
  const differences = report.differences.length;
  const what = [
    `${plural(files, 'file')}, ${formatBytes(bytes)}`,
    ...(databases > 0 ? [`${plural(tables, 'table')}, ${plural(rows, 'row')}`] : []),
  ].join(', ');
  output.say(
    { message_type: 'verified', subject, snapshot_id, files, bytes, databases, tables, rows, differences },
    `${subject}: snapshot ${shortId(snapshot_id)} ${differences === 0 ? 'is what was captured' : 'DIFFERS from what was captured'} (${what})`,
  );
};

const summarize = (output: Output, reports: readonly VerifyReport[], damaged: number): number => {
  const differing = reports.filter(({ differences }) => differences.length > 0).length;
  const incomplete = reports.filter(({ missing }) => missing.length > 0).length;
  if (output.json)
    output.say(
      { message_type: 'summary', snapshots: reports.length + damaged, differing, incomplete, damaged },
      '',
    );
  return damaged > 0 ? 1 : differing > 0 ? 4 : incomplete > 0 ? 3 : 0;
};
