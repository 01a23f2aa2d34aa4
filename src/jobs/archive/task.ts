// What a job of the file that archives asks for.
import { resolve } from 'node:path';
import { type Config, type JobConfig, sourceNamed } from '#config/config.ts';
import type { ArchiveTask } from './run.ts';

export const archiveTask = (
  job: Extract<JobConfig, { readonly verb: 'archive' }>,
  config: Config,
): ArchiveTask => ({
  job: job.name,
  file: config.file === '-' ? config.file : resolve(config.file),
  sources: job.archive.map((source) => sourceNamed(config, source)),
  stores: job.to,
  name: job.archiveName,
  site: job.site,
  recipients: job.encryptTo ?? [],
  keep: job.keep,
  limitUpload: job.limitUpload,
});
