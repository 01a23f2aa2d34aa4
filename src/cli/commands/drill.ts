// holdfast drill: restore for real, compare, remove.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, type JobConfig, jobNamed, repositoryNamed, sourceNamed } from '#config/config.ts';
import { type DrillTask, runDrill } from '#jobs/drill/drill.ts';
import { chooseSnapshot, originOf, tagOf } from '#jobs/snapshot-choice.ts';
import { withRepository } from '#jobs/use-repository.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Snapshot } from '#repository/contract.ts';
import { canDo } from '#sources/abilities.ts';
import { type SourceConfig, sourceFromUrl } from '#sources/registry.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand, flag, type OptionSpecs, value } from '../command.ts';
import { drillFields, reportDrills } from '../drill-report.ts';
import { isPlace } from '../given.ts';
import { jobContext } from '../job-context.ts';
import { warnOfPasswordIn } from '../password-warning.ts';
import { chooseRepository, configIfAny } from '../repository-choice.ts';
import { refuseRepository } from '../repository-refusal.ts';
import { runJobs } from '../run-jobs.ts';
import { filterOf, filterOptions, latestRule } from '../snapshot-options.ts';

const options = {
  ...filterOptions,
  point: flag('--point', 'of a backup job, all from its newest whole restore point (--run: from that one)'),
  into: value('--into <source>', 'make the scratch database on the server of this source or URL'),
  scratch: value(
    '--scratch <folder>',
    "a folder that is there, where scratch files are made (default: the system's temporary one)",
  ),
};

type DrillCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Restores a snapshot for real into a scratch place (a database, file or folder of its own, which is removed again),
reads all of it back and compares it with what was captured: rows and their checksums, definitions such as indexes,
files and their metadata. How long the restore took is remembered, for \`status\` and \`report\`.

With a job of the configuration file: of a drill job as it says, of a backup job the newest snapshot of each of its
sources; with --point, all of them as its newest run stored them that stored all of them whole. Nothing is touched that the
drill did not make itself.

${latestRule}`,
  args: [
    { usage: '<what>', text: 'a job; or a snapshot: latest, latest:<source>, or the beginning of an id' },
  ],
  options,
  examples: [
    ['drill nightly', 'the newest snapshot of each source of the backup job'],
    ['drill nightly --point', 'all sources of the backup job, of one run and moment'],
    ['drill latest:shop --into postgres://spare.internal/', 'one snapshot, on another server'],
    ['run prove-restores', 'a drill job, with its queries'],
  ],
  statuses: [3, 4, 10, 11, 12, 13, 14],
  async run(call) {
    const config = await configIfAny(call);
    const [word = ''] = call.args;
    if (call.options.point && config === undefined)
      throw new HoldfastError(
        'USAGE',
        '--point is for a backup job of a configuration file, and there is none',
      );
    if (config !== undefined && ((!isPlace(word) && config.jobs.has(word)) || call.options.point))
      return await drillJob(call, config, jobNamed(config, word));
    return await drillTask(call, config, await taskOfSnapshot(call, config, word));
  },
});

const drillJob = async (call: DrillCall, config: Config, job: JobConfig): Promise<number> => {
  const { run, host, point } = call.options;
  refuseRepository(call.global, `a job (${job.name})`);
  assertForJob(call, job);
  if (job.verb === 'drill') return await runJobs(call, config, [job], { tags: [], dryRun: false });
  if (job.verb !== 'backup')
    throw new HoldfastError('USAGE', `${job.name} makes no snapshots: it does "${job.verb}"`, {
      hint: 'name a backup job, a drill job or a snapshot',
    });
  if (point && job.partial)
    throw new HoldfastError('USAGE', `${job.name} keeps changes, and no whole state`, {
      hint: 'name the job of the complete backups',
    });
  const subjects = job.backup.map((source) => ({ source, into: sourceNamed(config, source), queries: [] }));
  const [first] = job.to;
  const hostHint = (name: string): string => `--host ${name}`;
  return await drillTask(call, config, {
    repository: repositoryNamed(config, first?.repository ?? ''),
    subjects,
    ...(point && { point: { job: job.name, run, host, across: [], hostHint } }),
  });
};

/** Which run and host is meant can be said of a restore point, too. */
const assertForJob = ({ options }: DrillCall, { name, verb }: JobConfig): void => {
  const { run, host, point, ...ofSnapshots } = options;
  const ofPoints = point && verb === 'backup' ? {} : { run, host };
  const [given] =
    Object.entries({ ...ofSnapshots, ...ofPoints }).find(([, option]) => option !== undefined) ?? [];
  if (given !== undefined)
    throw new HoldfastError('USAGE', `--${given} is for a snapshot, and ${name} is a job`, {
      hint:
        verb === 'backup' && given in ofPoints
          ? 'add --point: a restore point is of one run and host'
          : 'a drill job says it in the configuration file',
    });
  if (point && verb === 'drill')
    throw new HoldfastError('USAGE', `--point is for a backup job, and ${name} is a drill job`, {
      hint: 'a drill job says it in the configuration file, with "drill: { point: … }"',
    });
};

const drillTask = async (call: DrillCall, config: Config | undefined, task: DrillTask): Promise<number> => {
  using catalog = catalogOf(config, call);
  const run = await runDrill(task, { ...jobContext(call), catalog });
  reportDrills(call.output, run);
  call.output.say({ message_type: 'summary', ...drillFields(run) }, undefined);
  return run.status;
};

const taskOfSnapshot = async (
  call: DrillCall,
  config: Config | undefined,
  word: string,
): Promise<DrillTask> => {
  const repository = await chooseRepository(call, { config });
  const snapshot = await withRepository(repository, { lock: 'shared' }, jobContext(call), async (opened) =>
    chooseSnapshot(await opened.snapshots(), word, filterOf(call.options)),
  );
  assertInItsPlace(call, tagOf(snapshot, 'kind') ?? 'files');
  const folder = call.options.scratch ?? tmpdir();
  const into = targetOf(call, config, snapshot, folder);
  return {
    repository,
    folder,
    subjects: [{ source: originOf(snapshot), snapshot: snapshot.id, into, queries: [] }],
  };
};

/** What is drilled is made in a folder or on a server: the option for the other one would mean nothing. */
const assertInItsPlace = ({ options: { into, scratch } }: DrillCall, kind: string): void => {
  const inFolder = canDo(kind, 'scratch folder');
  const [idle, fit] = inFolder ? ['--into', '--scratch <folder>'] : ['--scratch', '--into <source>'];
  if ((inFolder ? into : scratch) === undefined) return;
  throw new HoldfastError('USAGE', `${idle} means nothing for a snapshot of kind ${kind}`, {
    hint: `where it is restored for the drill says ${fit}`,
  });
};

/** The source that is named, or that the snapshot is of; for snapshots that become files, none is needed. */
const targetOf = (
  { options: { into }, output }: DrillCall,
  config: Config | undefined,
  snapshot: Snapshot,
  folder: string,
): SourceConfig => {
  const kind = tagOf(snapshot, 'kind') ?? 'files';
  if (into !== undefined && config !== undefined && !isPlace(into)) return sourceNamed(config, into);
  if (into !== undefined) {
    warnOfPasswordIn(into, output);
    return sourceFromUrl(into);
  }
  const own = config?.sources.get(originOf(snapshot));
  if (own?.kind === kind) return own;
  if (kind === 'files') return sourceFromUrl(`files:${folder}`);
  if (kind === 'sqlite') return sourceFromUrl(`sqlite:${join(folder, 'scratch.db')}`);
  throw new HoldfastError('USAGE', `where is the ${kind} server for the drill of ${originOf(snapshot)}?`, {
    hint: 'name a source of the configuration file or a URL with --into',
  });
};
