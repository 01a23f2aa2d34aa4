// One drill: a snapshot restored for real into a place that is nobody's, held against what was captured, and removed again.
import { randomInt } from 'node:crypto';
import type { Drill, DrillEnd, DrillLedger, QueryRecord } from '#catalog/drill.ts';
import { errorReport } from '#catalog/run.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import type { RestoreReport, ScratchMaker, ScratchPlace, Source } from '#sources/source.ts';
import { scratchMakerOf } from '#sources/source.ts';
import type { JobContext } from '../job-context.ts';
import { type FoundManifest, manifestsOf } from '../manifests.ts';
import { originOf, tagOf } from '../snapshot-choice.ts';
import { lostInRepair, missingUnnamed } from '../what-is-lacking.ts';
import type { Compared, Comparison } from './comparison.ts';
import { compareEntries } from './entries.ts';
import { asInability, isInability } from './inability.ts';
import { answerOf, askAll, type DrillQuery } from './query.ts';
import { compareTables } from './tables.ts';

export interface DrillRequest {
  readonly run: string;
  readonly repository: Repository;
  readonly repositoryName: string;
  readonly snapshot: Snapshot;
  /** A source of the snapshot's kind: beside its data the scratch place is made. */
  readonly into: SourceConfig;
  /** A folder of this machine, for places that are files. */
  readonly folder: string;
  readonly queries: readonly DrillQuery[];
}

/** How a drill ended, and what it was of. */
export type DrillReport = DrillEnd & Pick<Drill, 'id' | 'source' | 'kind' | 'repository' | 'snapshot'>;

/** Of very many differences, so many are told and remembered. */
const toldAtMost = 200;

/** Never throws for what the drill found; does for what keeps it from beginning, and when it is cancelled. */
export const drillSnapshot = async (
  request: DrillRequest,
  ledger: DrillLedger,
  context: JobContext,
): Promise<DrillReport> => {
  const { into, folder, repository, snapshot } = request;
  const { signal, clock, log } = context;
  requireKind(snapshot, into);
  const subject = originOf(snapshot);
  await using source = await openSource(into, { signal, clock, log });
  const maker = makerOf(source, into);
  const place = { kind: into.kind, location: maker.scratchLocation(folder), folder };
  await removeLeftovers(ledger, place, context, request);
  const id = newDrillId();
  const scratch = `holdfast_drill_${id}`;
  const found = await manifestsOf(repository, snapshot, signal);
  const databases = found.map(({ manifest }) => manifest.database);
  await using opened = await maker.openScratch({ name: scratch, folder, databases });
  const begin = {
    ...{ id, source: subject, kind: into.kind, repository: request.repositoryName, snapshot: snapshot.id },
  };
  // Remembered before anything is made, so that whatever a crash leaves behind is known.
  ledger.begin({
    ...begin,
    ...place,
    scratch,
    run: request.run,
    snapshotTime: snapshot.time,
    startedAt: clock.now(),
  });
  const prepared = prepare(request, opened, found, context);
  const end = await endOf(() => proceed({ ...request, ...prepared }, context), context);
  const left = await remove({ id, scratch, folder }, ledger, request.into, context);
  const report = { ...end, notes: [...end.notes, ...left] };
  ledger.end(id, report);
  throwIfCancelled(signal);
  return { ...begin, ...report };
};

/** How it will be compared, and what is to be told beforehand. */
const prepare = (
  { repository, snapshot }: DrillRequest,
  place: ScratchPlace,
  found: readonly FoundManifest[],
  { signal }: JobContext,
): Pick<Proceeding, 'root' | 'place' | 'comparison' | 'notes'> => {
  const root = tagOf(snapshot, 'source');
  const leftOut = place.leftOut ?? [];
  const restored = found.filter(({ manifest }) => !leftOut.includes(manifest.database));
  const comparison =
    place.definitionsIn && root !== undefined
      ? compareTables(restored, root, place)
      : compareEntries(repository, snapshot, root, signal);
  const named = found.flatMap(({ manifest }) =>
    manifest.missing.map(({ name, reason }) => `${name}: ${reason}`),
  );
  const missing = named.length > 0 ? named : missingUnnamed(snapshot);
  const notes = [
    ...leftOut.map((database) => `${database} belongs to the server and was not restored`),
    ...missing.map((text) => `the backup itself lacks ${text}`),
  ];
  return { root, place, comparison, notes };
};

const requireKind = (snapshot: Snapshot, { name, kind }: SourceConfig): void => {
  const own = tagOf(snapshot, 'kind') ?? 'files';
  if (own === kind) return;
  throw new HoldfastError('USAGE', `snapshot ${shortId(snapshot.id)} is of kind ${own}, ${name} is ${kind}`, {
    hint: `drill it into a source of kind ${own}`,
  });
};

const makerOf = (source: Source, { name, kind }: SourceConfig): ScratchMaker => {
  const maker = scratchMakerOf(source);
  if (maker) return maker;
  throw new HoldfastError('UNSUPPORTED', `${name}: sources of kind ${kind} cannot be drilled`, {
    hint: '`holdfast verify` holds the snapshot against its manifest without a restore',
  });
};

/** Letters and digits that every engine takes in a name; enough of them that no other thing has them. */
const newDrillId = (): string => {
  const alphabet = '23456789abcdefghjkmnpqrstuvwxyz';
  return Array.from({ length: 12 }, () => alphabet[randomInt(alphabet.length)]).join('');
};

interface Proceeding extends DrillRequest {
  readonly root: string | undefined;
  readonly place: ScratchPlace;
  readonly comparison: Comparison;
  readonly notes: readonly string[];
}

type Ended = Omit<DrillEnd, 'endedAt'>;

const nothing: Omit<Ended, 'state'> = {
  ...{ entries: 0, bytes: 0, tables: 0, rows: 0, definitions: 0, differences: 0 },
  ...{ firstDifferences: [], notes: [], queries: [] },
};

/** What is thrown becomes the drill's own end, so that its place is removed whatever happened. */
const endOf = async (work: () => Promise<Ended>, { clock, signal }: JobContext): Promise<DrillEnd> => {
  try {
    return { ...(await work()), endedAt: clock.now() };
  } catch (error) {
    const state = signal.aborted || hasCode(error, 'CANCELLED') ? 'cancelled' : 'failed';
    return { ...nothing, state, error: errorReport(error), endedAt: clock.now() };
  }
};

const proceed = async (request: Proceeding, context: JobContext): Promise<Ended> => {
  const { place, comparison, queries, notes, snapshot } = request;
  const { signal, clock, onEvent } = context;
  const startedAt = clock.now().getTime();
  let report: RestoreReport;
  try {
    report = await restore(request, context);
  } catch (error) {
    throwIfCancelled(signal);
    const wrong = comparison.wrongSoFar();
    if (wrong.length === 0) throw error;
    return verdict({ notes, differences: [`it could not be restored: ${messageOf(error)}`, ...wrong] });
  }
  const cannot = report.failures.find(({ error }) => isInability(place, error));
  if (cannot) throw asInability(cannot.error);
  const restoreMs = clock.now().getTime() - startedAt;
  onEvent({ type: 'started', subject: originOf(snapshot), doing: 'reading back what was restored' });
  const failed = new Set(report.failures.map(({ path }) => path));
  const compared = await comparison.compare(place, failed);
  const differences = [
    ...lostInRepair(snapshot),
    ...report.failures.map(({ path, error }) => `${path} could not be restored: ${messageOf(error)}`),
    ...compared.differences,
  ];
  const asked = await askAll(queries, (query) => answerOf(place, query), signal);
  const { error } = asked;
  if (error && differences.length === 0 && asked.queries.every(({ passed }) => passed)) throw error;
  return verdict({
    ...{ restoreMs, report, compared, differences, queries: asked.queries },
    notes: [
      ...notes,
      ...report.warnings,
      ...(error ? [`not all queries could be asked: ${messageOf(error)}`] : []),
    ],
  });
};

interface Findings {
  readonly restoreMs?: number;
  readonly report?: RestoreReport;
  readonly compared?: Compared;
  readonly queries?: readonly QueryRecord[];
  readonly notes: readonly string[];
  readonly differences: readonly string[];
}

const verdict = ({ restoreMs, report, compared, queries = [], notes, differences }: Findings): Ended => {
  const passed = differences.length === 0 && queries.every((query) => query.passed);
  return {
    state: passed ? 'passed' : 'differs',
    ...(restoreMs !== undefined && { restoreMs }),
    entries: report?.entries ?? 0,
    bytes: report?.bytes ?? 0,
    tables: compared?.tables ?? 0,
    rows: compared?.rows ?? 0,
    definitions: compared?.definitions ?? 0,
    differences: differences.length,
    firstDifferences: differences.slice(0, toldAtMost),
    notes,
    queries,
  };
};

const restore = async (
  { repository, snapshot, root, place, comparison }: Proceeding,
  { signal, onEvent }: JobContext,
): Promise<RestoreReport> => {
  const subject = originOf(snapshot);
  onEvent({ type: 'started', subject, doing: `drilling snapshot ${shortId(snapshot.id)}` });
  const entries = repository.read(snapshot, { ...(root !== undefined && { root }), signal });
  const total = snapshot.summary;
  return await place.restore(comparison.watch(entries), ({ bytes, entries: items, current }) =>
    onEvent({
      type: 'progress',
      subject,
      progress: {
        ...{ phase: 'restoring', bytes, items, current },
        ...(total && { totalBytes: total.totalBytesProcessed, totalItems: total.totalFilesProcessed }),
      },
    }),
  );
};

/** How long tidying up may take: it goes on when the run is cancelled. */
const removalMs = 120_000;

/** Removes the place; what is in the way is told, and the next drill there tries again. */
const remove = async (
  { id, scratch, folder }: Pick<Drill, 'id' | 'scratch' | 'folder'>,
  ledger: DrillLedger,
  into: SourceConfig,
  { clock, log, onEvent }: JobContext,
): Promise<string[]> => {
  try {
    const signal = AbortSignal.timeout(removalMs);
    await using source = await openSource(into, { signal, clock, log });
    await makerOf(source, into).removeScratch(scratch, folder);
    ledger.removed(id);
    return [];
  } catch (error) {
    const text = `${scratch} could not be removed: ${messageOf(asError(error))}`;
    onEvent({ type: 'warning', subject: into.name, text, hint: 'the next drill there tries again' });
    return [text];
  }
};

/** What earlier drills left where this one works: they remembered it before they made it, and it is nobody else's. */
const removeLeftovers = async (
  ledger: DrillLedger,
  place: Pick<Drill, 'kind' | 'location'>,
  context: JobContext,
  { into }: DrillRequest,
): Promise<void> => {
  for (const left of ledger.leftovers())
    if (left.kind === place.kind && left.location === place.location)
      await remove(left, ledger, into, context);
};
