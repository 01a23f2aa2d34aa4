// A job that backs up: its sources into its repositories.
import { repositoryNamed, sourceNamed } from '#config/config.ts';
import { partialSource } from '#jobs/receive/partial-source.ts';
import { runBackup } from '#jobs/run-backup.ts';
import { durationMs } from '#lib/duration.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { backupFields, reportBackup } from '../backup-report.ts';
import type { JobOf, RunVerb } from './verb.ts';

export const backup: RunVerb<'backup'> = async (job, config, { tags, dryRun }, context, output) => {
  const { name } = job;
  const sources = job.backup.map((source) => partly(sourceNamed(config, source), job.partial));
  const repositories = job.to.map(({ repository, keep }) => ({
    repository: repositoryNamed(config, repository),
    keep,
  }));
  const anomalies = job.partial ? 'off' : job.anomalies;
  const { together } = job;
  const task = { job: name, sources, repositories, tags, dryRun, anomalies, together };
  const run = await runBackup(task, context);
  reportBackup(output, name, run, 'run_done');
  return { state: run.state, status: run.status, id: run.id, fields: { name, ...backupFields(run) } };
};

/** The source itself, or what changed in it lately. */
const partly = (source: SourceConfig, partial: JobOf<'backup'>['partial']): SourceConfig =>
  partial ? partialSource(source, { ...partial, sinceMs: durationMs(partial.since) }) : source;
