// A job that backs up: its sources into its repositories.
import { repositoryNamed, sourceNamed } from '#config/config.ts';
import { runBackup } from '#jobs/run-backup.ts';
import { backupFields, reportBackup } from '../backup-report.ts';
import type { RunVerb } from './verb.ts';

export const backup: RunVerb<'backup'> = async (job, config, { tags, dryRun }, context, output) => {
  const { name } = job;
  const sources = job.backup.map((source) => sourceNamed(config, source));
  const repositories = job.to.map(({ repository, keep }) => ({
    repository: repositoryNamed(config, repository),
    keep,
  }));
  const { anomalies } = job;
  const run = await runBackup({ job: name, sources, repositories, tags, dryRun, anomalies }, context);
  reportBackup(output, name, run, 'run_done');
  return { state: run.state, status: run.status, id: run.id, fields: { name, ...backupFields(run) } };
};
