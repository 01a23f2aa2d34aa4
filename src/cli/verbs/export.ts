// A job that exports: what is new in its tables, as files.
import { type Config, sourceNamed } from '#config/config.ts';
import { wishOf } from '#jobs/export/row-order.ts';
import { type ExportTask, runExport } from '#jobs/export/run.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import type { JobOf, RunVerb } from './verb.ts';

export const exporting: RunVerb<'export'> = async (job, config, { tags, dryRun }, context, output) => {
  const { name } = job;
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: what it exports is remembered`);
  if (tags.length > 0) throw new HoldfastError('USAGE', `${name} makes files, and files have no tags`);
  const { id, state, status, files, rows, shipped } = await runExport(exportTask(job, config), context);
  const fields = { name, run: id, state, status, files, rows, shipped };
  const also = job.shipTo ? `, ${plural(shipped, 'file')} shipped` : '';
  const line = `${name}: ${plural(rows, 'row')} in ${plural(files, 'file')}${also}${state === 'ok' ? '' : `; ${state}`} (run ${id})`;
  const message = { message_type: 'run_done', ...fields };
  if (state === 'ok') output.say(message, line);
  else output.failure(message, line);
  return { state, status, id, fields };
};

const exportTask = (job: JobOf<'export'>, config: Config): ExportTask => ({
  job: job.name,
  sources: job.export.map((source) => sourceNamed(config, source)),
  tables: job.tables.map(wishOf),
  to: job.to,
  shipTo: job.shipTo,
  name: job.fileName,
  site: job.site,
  format: job.format === 'csv' ? { kind: 'csv', csv: job.csv } : { kind: 'jsonl' },
  gzip: job.gzip,
  maxRows: job.maxRows,
});
