// The tables and columns that a job names itself: there, and fit for what the job does with them.
import { type Config, type JobConfig, sourceNamed } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { durationMs } from '#lib/duration.ts';
import { changesReaderOf } from '#sources/receiver.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { rowReaderOf } from '#sources/source.ts';
import { rowOrderOf, wishOf } from '../export/row-order.ts';
import type { JobContext } from '../job-context.ts';
import { broken, type Diagnosis, ofFinding } from './diagnosis.ts';
import { withSource } from './source.ts';

type JobOf<Verb extends JobConfig['verb']> = Extract<JobConfig, { readonly verb: Verb }>;

/** `isWell` tells whether anything is known against a source, which is then not asked again. */
export const diagnoseTables = async (
  job: JobConfig,
  config: Config,
  isWell: (source: string) => boolean,
  context: JobContext,
): Promise<Diagnosis[]> => {
  const diagnoses: Diagnosis[] = [];
  const names = job.verb === 'export' ? job.export : job.verb === 'backup' && job.partial ? job.backup : [];
  for (const source of names.filter(isWell).map((name) => sourceNamed(config, name))) {
    if (job.verb === 'export') diagnoses.push(...(await diagnoseExported(job, source, context)));
    if (job.verb === 'backup') diagnoses.push(...(await diagnoseChanges(job, source, context)));
  }
  return diagnoses;
};

const subjectOf = ({ name }: JobConfig): string => `job ${name}`;

/** Every table by itself, so that all that is wrong is told. */
const diagnoseExported = (
  job: JobOf<'export'>,
  source: SourceConfig,
  context: JobContext,
): Promise<Diagnosis[]> =>
  withSource({ source, subject: subjectOf(job) }, context, async (opened, subject) => {
    const wrong: Diagnosis[] = [];
    await using view = await rowReaderOf(opened)?.openRows();
    if (view === undefined) return wrong;
    for (const table of job.tables)
      try {
        rowOrderOf(wishOf(table), await view.table(table.table));
      } catch (error) {
        throwIfCancelled(context.signal);
        const { message, ...rest } = broken(subject, error);
        wrong.push({ ...rest, message: `${source.name}: ${message}` });
      }
    return wrong;
  });

const diagnoseChanges = (
  job: JobOf<'backup'>,
  source: SourceConfig,
  context: JobContext,
): Promise<Diagnosis[]> =>
  withSource({ source, subject: subjectOf(job) }, context, async (opened, subject) => {
    const { partial } = job;
    const findings = partial
      ? await changesReaderOf(opened)?.checkChanges({ ...partial, sinceMs: durationMs(partial.since) })
      : [];
    return (findings ?? []).map((finding) => ofFinding(subject, finding));
  });
