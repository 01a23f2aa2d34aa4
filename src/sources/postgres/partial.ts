// Partial backups: the rows of chosen tables that changed lately, with all that they refer to, in one consistent state.
import { existsSync } from 'node:fs';
import { byBytes } from '#lib/byte-order.ts';
import { HoldfastError } from '#lib/errors.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import { attempt } from '../findings.ts';
import { createLifetime } from '../lifetime.ts';
import { type Manifest, type ManifestTable, manifestName, manifestSchema } from '../manifest.ts';
import { namedFiles } from '../named-files.ts';
import { onlyDatabase } from '../only-database.ts';
import { folderEntry } from '../own-entries.ts';
import {
  type ChangedTable,
  type ChangeRules,
  type Changes,
  changesFile,
  longestReachMs,
  positions,
  settledBefore,
} from '../receiver.ts';
import type { Entry, Finding, Previous } from '../source.ts';
import { type Connection, connect } from './connect.ts';
import type { DumpRequest } from './dump.ts';
import { plainName, quoteIdentifier, quoteLiteral } from './identifiers.ts';
import { itemError } from './item-error.ts';
import { dataFolder } from './layout.ts';
import { serverFacts } from './listing.ts';
import { type PartialPlan, planPartial } from './partial-plan.ts';
import { oldestTransaction } from './snapshot.ts';

/** Contents must be read one after the other: they come over one connection. */
export async function* dumpChanges(
  request: DumpRequest,
  rules: ChangeRules,
  previous?: Previous,
): AsyncGenerator<Entry> {
  const before = await settledBefore(previous);
  const { settings, context, config } = request;
  const connection = await connect(
    settings,
    onlyDatabase(config, settings, 'a partial backup'),
    context.signal,
  );
  const lifetime = createLifetime(async () => await connection[Symbol.asyncDispose]());
  request.onClose(async () => await lifetime.end());
  let complete = false;
  try {
    yield* entriesOf(request, { ...rules, before }, connection, lifetime);
    complete = true;
  } finally {
    await (complete ? lifetime.seal() : lifetime.end());
  }
}

/** Each table by itself, so that all that is wrong is told; then what is asked of all of them together. */
export const checkChanges = async (
  { settings, context, config }: DumpRequest,
  rules: ChangeRules,
): Promise<Finding[]> =>
  await attempt('partial', async () => {
    const database = onlyDatabase(config, settings, 'a partial backup');
    await using connection = await connect(settings, database, context.signal);
    await connection.query('begin isolation level repeatable read, read only');
    const since = new Date().toISOString();
    const findings: Finding[] = [];
    for (const one of rules.tables)
      findings.push(
        ...(await attempt(`table ${one.table}`, async () => {
          await planPartial(connection, { ...rules, tables: [one] }, since);
          return [];
        })),
      );
    if (findings.length > 0) return findings;
    const plan = await planPartial(connection, rules, since);
    for (const { table, column, folder } of rules.files)
      findings.push(
        ...(await attempt(`files of ${table}`, async () => {
          capturedTable(plan, table, column);
          return folderFindings(folder);
        })),
      );
    return findings;
  });

const folderFindings = (folder: string): Finding[] => {
  if (existsSync(folder)) return [];
  const hint = 'check the path, and that what lies there is mounted';
  return [{ level: 'error', subject: `folder ${folder}`, message: 'it is not there', hint }];
};

interface Reach extends ChangeRules {
  /** What the previous one has for certain. */
  readonly before: Date | undefined;
}

async function* entriesOf(
  { settings }: DumpRequest,
  rules: Reach,
  connection: Connection,
  lifetime: ReturnType<typeof createLifetime>,
): AsyncGenerator<Entry> {
  const capture = await beginCapture(connection, rules);
  const { plan, files } = capture;
  const counted: ManifestTable[] = [];
  const file = (path: string, content: () => AsyncIterable<Uint8Array>): Entry => ({
    path,
    type: 'file',
    meta: { mode: 0o600 },
    content: lifetime.during(content),
  });
  yield file(changesFile, () => textContent(() => changesOf(connection.database, plan)));
  yield folderEntry(dataFolder);
  for (const table of plan.tables.toSorted(byPath))
    yield {
      ...file(table.path, async function* () {
        try {
          counted.push(yield* countedRows(connection, plan, table));
        } catch (error) {
          throw itemError(error, `table ${plainName(table)}`, settings.user);
        }
      }),
      item: `${connection.database}.${plainName(table)}`,
    };
  yield* namedFiles(files);
  yield file(manifestName, () => textContent(() => manifestOf(connection.database, capture, counted)));
}

interface Capture {
  readonly plan: PartialPlan;
  readonly version: string;
  readonly takenAt: string;
  readonly position: Readonly<Record<string, string>>;
  readonly files: readonly { readonly folder: string; readonly paths: readonly string[] }[];
}

const beginCapture = async (connection: Connection, rules: Reach): Promise<Capture> => {
  const settled = await oldestTransaction(connection);
  await connection.query('begin isolation level repeatable read, read only');
  const [row] = await connection.query<{ takenAt: string; since: string; snapshot: string }>(
    `select ${isoSql('clock_timestamp()')} as "takenAt", pg_catalog.txid_current_snapshot()::text as snapshot,
      ${isoSql(sinceSql(rules))} as since`,
  );
  if (!row) throw new HoldfastError('FAILED', 'the server has no clock');
  const { takenAt, since, snapshot } = row;
  const plan = await planPartial(connection, rules, since);
  return {
    plan,
    takenAt,
    version: (await serverFacts(connection)).version,
    position: { snapshot, [positions.from]: since, ...(settled && { [positions.settled]: settled }) },
    files: await filesOf(connection, plan, rules),
  };
};

/** Not further back than is sensible, and never less far than asked for. */
const sinceSql = ({ sinceMs, before }: Reach): string => {
  const ago = (ms: number): string => `clock_timestamp() - interval '${ms} milliseconds'`;
  if (before === undefined) return ago(sinceMs);
  const longest = ago(Math.max(sinceMs, longestReachMs));
  return `least(${ago(sinceMs)}, greatest(${longest}, ${quoteLiteral(before.toISOString())}::timestamptz))`;
};

/** As all times of a position are written. */
const isoSql = (time: string): string =>
  `to_char((${time}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** The paths that stand in the columns of captured rows. */
const filesOf = async (
  connection: Connection,
  plan: PartialPlan,
  { files }: ChangeRules,
): Promise<Capture['files']> => {
  const found: { folder: string; paths: string[] }[] = [];
  for (const { table, column, folder } of files) {
    const captured = capturedTable(plan, table, column);
    const rows = await connection.queryText(
      `select distinct path from (${plan.rowsSql(captured, `t.${quoteIdentifier(column)}::text as path`)}) named
        where path <> '' order by path`,
    );
    found.push({ folder, paths: rows.flatMap(([path]) => path ?? []) });
  }
  return found;
};

/** The table whose column names files. */
const capturedTable = ({ tables }: PartialPlan, table: string, column: string): ChangedTable => {
  const captured = tables.find((each) => [plainName(each), each.name].includes(table));
  if (captured?.columns.includes(column)) return captured;
  throw new HoldfastError('CONFIG_INVALID', `no column ${column} of a captured table ${table}`, {
    hint: 'files can be named by columns of the tables of `partial`, and of those they refer to',
  });
};

async function* countedRows(
  connection: Connection,
  plan: PartialPlan,
  table: ChangedTable,
): AsyncGenerator<Uint8Array, ManifestTable> {
  const columns = table.columns.map((column) => `t.${quoteIdentifier(column)}`).join(', ');
  const rows = connection.copyOut(
    `copy (${plan.rowsSql(table, columns)}) to stdout with (format text, encoding 'UTF8')`,
  );
  const counter = createRowCounter('lines');
  try {
    for await (const chunk of rows) {
      counter.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw connection.explain(error);
  }
  const count = counter.finish();
  if (rows.rows !== count.rows)
    throw new HoldfastError(
      'ITEM_UNREADABLE',
      `the server sent ${count.rows} rows and says it were ${rows.rows}`,
    );
  return { name: plainName(table), entries: [table.path], format: 'lines', ...count };
}

const changesOf = (database: string, { tables }: PartialPlan): string => {
  const changes: Changes = { changes: 1, engine: 'postgres', database, tables: [...tables] };
  return `${JSON.stringify(changes, undefined, 2)}\n`;
};

/** Fails when a table could not be read: the rows of one without those of another would be no state of the sender. */
const manifestOf = (
  database: string,
  { plan, version, takenAt, position }: Capture,
  counted: readonly ManifestTable[],
): string => {
  const lost = plan.tables.filter((table) => !counted.some(({ name }) => name === plainName(table)));
  if (lost.length > 0)
    throw new HoldfastError('FAILED', `changes of ${lost.map(plainName).join(', ')} could not be read`);
  const manifest: Manifest = {
    manifest: 1,
    ...{ engine: 'postgres', engineVersion: version, database },
    position,
    capturedAt: takenAt,
    tables: [...counted],
    missing: [],
  };
  return `${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`;
};

/** The text is made when it is read. */
async function* textContent(text: () => string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text());
}

const byPath = (a: ChangedTable, b: ChangedTable): number => byBytes(a.path, b.path);
