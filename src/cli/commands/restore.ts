// holdfast restore: a snapshot, or a part of it, back into a folder or a database.
import { planRestore, type RestoreRequest, restoreSnapshot } from '#jobs/restore.ts';
import { byPatterns } from '#jobs/selection.ts';
import { originOf, tagOf } from '#jobs/snapshot-choice.ts';
import { HoldfastError } from '#lib/errors.ts';
import { printable, shortId } from '#lib/format.ts';
import { withoutPassword } from '#lib/secret.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { type Call, defineCommand, flag, list, type OptionSpecs, value } from '../command.ts';
import { warnIfNotGood } from '../flawed-snapshot.ts';
import { jobContext } from '../job-context.ts';
import type { Output } from '../output.ts';
import { warnOfPasswordIn } from '../password-warning.ts';
import { refuseRepository } from '../repository-refusal.ts';
import { archiveOptions, restoreFromArchive } from '../restore-archive.ts';
import { showPlan, showRestored } from '../restore-report.ts';
import { fullFolder, hintForFullFolder, targetOf } from '../restore-target.ts';
import { columnValues } from '../row-values.ts';
import { latestRule, readOptions, snapshotArgument, withSnapshot } from '../snapshot-options.ts';

const options = {
  ...readOptions,
  ...archiveOptions,
  to: value('-t, --to <target>', 'the folder or the URL of the database to restore into'),
  path: list('-p, --path <path>', 'only this file or folder, with what is below it'),
  table: list('--table <name>', 'only this table or collection; with --path, of the database there'),
  document: list(
    '--document <id>',
    'only this document, with its history; with --path, of the database there',
  ),
  row: list('--row <column=value>', 'only rows of the table that have this value; with several, all of them'),
  query: value('--query <query>', 'only documents that this finds, in the engine’s own language (MongoDB)'),
  include: list('-i, --include <pattern>', 'only files that match'),
  exclude: list('-e, --exclude <pattern>', 'no files that match'),
  as: value('--as <name>', 'give the database, or the one table asked for, another name'),
  rename: list('--rename <from=to>', 'give this database or table another name'),
  force: flag('--force', 'restore into a target that is not empty'),
  dryRun: flag('-n, --dry-run', 'show what would be restored, and write nothing (-v names every file)'),
};

type RestoreCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Restores a snapshot, or the part of it that --path, --table, --include and --exclude choose.

Into a folder goes any snapshot: the folder becomes what the source's folder was, and of a database it gets the
files in the database's own formats. Into a database goes a snapshot of its own kind.
A target that is not empty is refused (status 15) unless --force is given. With --archive, all of a plain file is
restored in the same way, and no snapshot is named.

${latestRule}`,
  args: [{ ...snapshotArgument, usage: '[snapshot]' }],
  options,
  examples: [
    ['restore latest:media --to /srv/media', 'a folder'],
    ['restore latest:shop --to postgres://db.internal/shop_copy', 'a database, under the name in the URL'],
    [
      'restore 3fa8c2d1 --to sqlite:/tmp/shop.db --table orders --as orders_old',
      'one table, under another name',
    ],
    [
      'restore 3fa8c2d1 --to postgres://db/shop --table orders --row id=17 --as public.orders_then',
      'one row, beside its table',
    ],
    ['restore latest:couch --to couchdb://db.internal/shop --document order:17', 'one document of CouchDB'],
    ["restore latest:media --to /tmp/pictures --include '*.jpg'", 'some files'],
    [
      'restore --archive /srv/archives/shop_20261121.sql.gz --to postgres://db.internal/shop_copy',
      'a plain file that an archive job made',
    ],
  ],
  statuses: [3, 10, 11, 12, 13, 14, 15],
  run: async (call) => {
    const { archive } = call.options;
    if (archive !== undefined) return await restoreFile(call, archive);
    if (call.args.length === 0)
      throw new HoldfastError('USAGE', 'restore needs a snapshot, or --archive', {
        hint: 'say `latest`, or an id',
      });
    const { to } = call.options;
    if (to === undefined)
      throw new HoldfastError('USAGE', 'restore needs --to', {
        hint: 'name a folder or the URL of a database; an empty place is safest',
      });
    if (call.options.identity !== undefined)
      throw new HoldfastError('USAGE', '--identity is for an encrypted archive, and a snapshot is none', {
        hint: 'name the archive with --archive, or leave --identity out',
      });
    return await withSnapshot(call, (repository, snapshot) => restore(call, to, repository, snapshot));
  },
});

const restore = async (
  call: RestoreCall,
  to: string,
  repository: Repository,
  snapshot: Snapshot,
): Promise<number> => {
  const { options, output, clock } = call;
  await warnIfNotGood(call, repository, snapshot);
  warnOfPasswordIn(to, output);
  const request: RestoreRequest = {
    repository,
    snapshot,
    target: targetOf(to, tagOf(snapshot, 'kind') === 'sqlite'),
    wanted: wantedOf(options),
    rename: options.rename.map(renameOf),
    documents: options.document,
    ...(options.as !== undefined && { as: options.as }),
    ...(options.query !== undefined && { query: options.query }),
    ...(options.row.length > 0 && { rows: columnValues(options.row) }),
    force: options.force,
  };
  const text = `snapshot ${shortId(snapshot.id)} (${originOf(snapshot)})`;
  const what = { fields: { message_type: 'summary', snapshot_id: snapshot.id }, text };
  const context = jobContext(call);
  const plan = await planRestore(request, context, options.dryRun ? listTo(output) : undefined);
  if (options.dryRun) {
    if (!options.force) warnIfNotEmpty(call, request.target);
    return showPlan(output, what, plan);
  }
  const startedAt = clock.now().getTime();
  const report = await restoreSnapshot(request, plan, context);
  const ms = clock.now().getTime() - startedAt;
  return showRestored(output, what, report, { target: withoutPassword(to), ms });
};

/** From an archive, which is restored as a whole. */
const restoreFile = async (call: RestoreCall, archive: string): Promise<number> => {
  const { options, args, clock } = call;
  const { to, identity, source, force } = options;
  if (to === undefined) throw new HoldfastError('USAGE', 'restore needs --to');
  const chosen = [
    ...args,
    ...options.path,
    ...options.table,
    ...options.document,
    ...options.row,
    ...options.include,
    ...options.exclude,
  ];
  const { as, query, job, host, run, noLock, dryRun } = options;
  const others = [as, query, job, host, run].some((value) => value !== undefined);
  if (chosen.length > 0 || others || noLock || dryRun)
    throw new HoldfastError('USAGE', 'an archive is restored as a whole, and has no snapshots', {
      hint: 'with --archive go --to, --source, --identity, --rename and --force; unpack it with tar to choose among files',
    });
  refuseRepository(call.global, 'an archive', 'it lies in a store, beside no repository');
  warnOfPasswordIn(to, call.output);
  const startedAt = clock.now().getTime();
  const rename = options.rename.map(renameOf);
  const report = await restoreFromArchive(call, { archive, to, identity, source, rename, force });
  const text = withoutPassword(archive);
  const ms = clock.now().getTime() - startedAt;
  const what = { fields: { message_type: 'summary', archive: text }, text };
  return showRestored(call.output, what, report, { target: withoutPassword(to), ms });
};

const listTo =
  (output: Output) =>
  async (path: string, sizeBytes: number | undefined): Promise<void> => {
    output.detail(
      { message_type: 'would_restore', path: `/${path}`, size: sizeBytes },
      `/${printable(path)}`,
    );
    await output.flush();
  };

const wantedOf = ({ path, table, include, exclude }: RestoreCall['options']): RestoreRequest['wanted'] => {
  const matches = byPatterns(include, exclude);
  return { paths: path, tables: table, ...(matches && { matches }) };
};

const renameOf = (text: string): readonly [string, string] => {
  const [, from, to] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (from !== undefined && to !== undefined) return [from, to];
  throw new HoldfastError('USAGE', `--rename ${text} is not of the form from=to`);
};

const warnIfNotEmpty = ({ output }: RestoreCall, target: SourceConfig): void => {
  const full = fullFolder(target);
  if (full !== undefined)
    output.warn(
      `${printable(full)} is not empty: the restore would be refused (status 15)`,
      hintForFullFolder,
    );
};
