// A database that is kept fresh: whole snapshots are loaded into one beside it, and their tables take the places of its own in one
// statement. What MariaDB and MySQL cannot rename into another database follows: triggers, and what has changed of views and routines.
import { createHash } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { besideName, isBeside } from '../beside-names.ts';
import { onlyDatabase, onlyReceived } from '../only-database.ts';
import type { Receiver, Receiving } from '../receiver.ts';
import { leftBeside, notReceived, otherRunReceives } from '../receiving-refused.ts';
import { bytesOf } from '../restore-report.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import type { Connection } from './connect.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
import { databaseFiles, databasePath } from './layout.ts';
import { listDatabases } from './listing.ts';
import { waitingFor } from './lock-patience.ts';
import { type Kept, readKept, setSettled, writeKept } from './received-mark.ts';
import { toldOf } from './receiving-error.ts';
import { restoreServer } from './restore.ts';
import { settleDefinitions } from './settle-definitions.ts';
import { itemsOf, scriptOf } from './sql-items.ts';
import type { SourceRequest } from './survey.ts';
import { assertNotReferredTo, swapTables, viewsInTheWay } from './swap-tables.ts';
import { openTargetServer, type TargetServer } from './target-server.ts';
import { leftOut, withoutEvents } from './without-events.ts';

export const receiver = (request: SourceRequest): Receiver => ({
  takesChanges: false,
  openReceiving: () => openReceiving(request),
});

interface Loaded extends Kept {
  /** Where it is. */
  readonly beside: string;
  /** The statement that made the sender's database. */
  readonly statement: string;
}

/** The database that is received into. */
interface Place {
  readonly request: SourceRequest;
  readonly target: TargetServer;
  readonly name: string;
}

const openReceiving = async (request: SourceRequest): Promise<Receiving> => {
  const { settings, config, context } = request;
  const asked = onlyDatabase(config, settings, 'receiving');
  const target = await openTargetServer(settings, context, config.lockTimeoutSeconds);
  const name = target.nameHere(asked);
  const { admin } = target;
  const place: Place = { request, target, name };
  const told = toldOf({ database: name, user: settings.user });
  let kept: Kept | undefined;
  let isOurs = false;
  let loaded: Loaded | undefined;
  try {
    await told(async () => {
      await shutOthersOut(admin, name);
      await dropLeftovers(target, name);
      const found = await readKept(admin, name);
      isOurs = found !== undefined;
      kept = found && (await settled(place, found));
    });
  } catch (error) {
    admin.destroy();
    throw error;
  }
  return {
    get mark() {
      return kept?.mark;
    },
    async load(entries, { mark, databases, onProgress }) {
      const from = onlyReceived(databases);
      await told(async () => {
        if (!isOurs) await assertReplaceable(target, name);
        await assertNotReferredTo(admin, name);
      });
      const beside = besideName(name);
      const files = new Map<string, Buffer>();
      const events: string[] = [];
      loaded = { mark, from, definitions: Buffer.of(), settled: false, beside, statement: '' };
      // All is made there once, so that what cannot be made fails before anybody sees any of it.
      const into: RestoreTarget = {
        ...{ force: false, rename: [[from, beside]], onProgress },
        // Named, so that the server's own users are left alone.
        selection: [databasePath(from)],
      };
      const passing = keeping(withoutEvents(entries, events), files);
      const report = await told(() => restoreAll(request, passing, into));
      const whole: Loaded = { ...loaded, ...textsOf(files) };
      loaded = whole;
      await told(() => writeKept(admin, beside, whole));
      return { ...report, warnings: [...report.warnings, ...events.map(leftOut)] };
    },
    async apply() {
      throw new HoldfastError('UNSUPPORTED', 'databases of MariaDB and MySQL take complete snapshots only');
    },
    async publish() {
      if (loaded === undefined) throw new HoldfastError('FAILED', 'nothing was loaded');
      throwIfCancelled(context.signal);
      const own = loaded;
      const before = kept;
      const hasPrograms = before?.from === own.from && before.definitions.equals(own.definitions);
      await told(async () => {
        await replaceTables(place, own, before);
        kept = own;
        await settle(place, own, hasPrograms);
        loaded = undefined;
        await admin.run(waitingFor(config.lockTimeoutSeconds));
        await dropLeftovers(target, name);
      });
    },
    async [Symbol.asyncDispose]() {
      try {
        if (loaded) await dropLeftovers(target, name);
      } catch (error) {
        context.log.warn({ error: messageOf(error) }, leftBeside(name));
      } finally {
        await target[Symbol.asyncDispose]();
      }
    },
  };
};

/** Throws the first failure. */
const restoreAll = async (
  request: SourceRequest,
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
): Promise<RestoreReport> => {
  const report = await restoreServer(request, entries, into, request.config.lockTimeoutSeconds);
  const [failure] = report.failures;
  if (failure) throw failure.error;
  return report;
};

/** After this, readers see what was loaded. When it fails, they see what they saw before. */
const replaceTables = async (
  place: Place,
  { beside, statement }: Loaded,
  before: Kept | undefined,
): Promise<void> => {
  const { request, target, name } = place;
  const { admin } = target;
  if ((await target.stateOf(name)) === 'absent') await target.create(name, statement);
  const away = besideName(name);
  await target.create(away, statement);
  if (before) await setSettled(admin, name, false);
  const views = await viewsInTheWay(admin, beside, name);
  try {
    await swapTables(admin, { from: beside, to: name, away, views }, request);
  } catch (error) {
    if (before && admin.usable) await settle(place, before, views.length === 0);
    throw error;
  }
};

const settle = async (
  { request, target, name }: Place,
  { from, definitions }: Kept,
  hasPrograms: boolean,
): Promise<void> => {
  const patience = { clock: request.context.clock, seconds: request.config.lockTimeoutSeconds };
  await settleDefinitions(target, { from, name, items: itemsOf(definitions), hasPrograms, patience });
  await setSettled(target.admin, name, true);
};

/** An earlier run may have ended between the tables and what belongs to them. Undefined when that cannot be made: then all is loaded anew. */
const settled = async (place: Place, kept: Kept): Promise<Kept | undefined> => {
  if (kept.settled) return kept;
  try {
    await settle(place, kept, false);
    return { ...kept, settled: true };
  } catch (error) {
    const { request, name } = place;
    request.context.log.warn(`what belongs to the tables of ${name} could not be made: ${messageOf(error)}`);
    return undefined;
  }
};

/** Those that are needed once more when all has passed. */
const keptFiles: readonly string[] = [databaseFiles.database, databaseFiles.tables, databaseFiles.postData];

async function* keeping(entries: AsyncIterable<Entry>, files: Map<string, Buffer>): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    const { path, content } = entry;
    const file = path.slice(path.lastIndexOf('/') + 1);
    if (!content || !keptFiles.includes(file)) yield entry;
    else {
      const bytes = await bytesOf(path, content.bind(entry));
      files.set(file, bytes);
      yield { ...entry, content: () => [bytes] };
    }
  }
}

const textsOf = (files: ReadonlyMap<string, Buffer>): Pick<Loaded, 'definitions' | 'statement'> => {
  const items = (file: string) => itemsOf(files.get(file) ?? Buffer.of());
  const database = items(databaseFiles.database);
  const numbered = items(databaseFiles.tables).filter(({ statement }) => statement.includes('nextval('));
  const following = [...database, ...numbered, ...items(databaseFiles.postData)];
  return {
    definitions: scriptOf('What follows the tables.', following),
    statement: database[0]?.statement ?? '',
  };
};

/** Until the session ends. */
const shutOthersOut = async (admin: Connection, name: string): Promise<void> => {
  const lock = `holdfast ${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  const [row] = await admin.query<{ locked: string; holder: string | null }>(
    `select get_lock(${quoteLiteral(lock)}, 0) as locked, is_used_lock(${quoteLiteral(lock)}) as holder`,
  );
  if (row?.locked === '1') return;
  throw otherRunReceives(name, row?.holder ? `kill ${row.holder}` : undefined);
};

/** Also the tables that were there before a swap. */
const dropLeftovers = async (target: TargetServer, name: string): Promise<void> => {
  for (const each of await listDatabases(target.admin)) if (isBeside(name, each)) await target.drop(each);
};

/** A database that somebody else filled is not ours to replace. */
const assertReplaceable = async (target: TargetServer, name: string): Promise<void> => {
  if ((await target.stateOf(name)) !== 'used') return;
  throw notReceived(
    `database ${name}`,
    `receive into another database, or drop it first: drop database ${quoteIdentifier(name)}`,
  );
};
