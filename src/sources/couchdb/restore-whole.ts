// One database as a whole: made as the original was, filled, counted against the manifest.
import { asError, type HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import type { RowCount } from '#lib/row-checksum.ts';
import { damagedSnapshot } from '../damaged-snapshot.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import { AttachmentShelf } from './attachment-shelf.ts';
import { bytesOf, type PlacedEntry, textOf } from './entry-stream.ts';
import { GatheredLeaves } from './gathered-leaves.ts';
import { openClient } from './http.ts';
import { databaseFiles, designPartition, documentsPath } from './layout.ts';
import { type Batch, loadDocuments, writeBatch } from './load-documents.ts';
import { loadLocalDocuments } from './load-local.ts';
import type { StoredLeaf } from './put-leaves.ts';
import { assertFree, type DatabaseRestore, type Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';
import { type DatabaseContents, parseDatabaseContents } from './server-contents.ts';
import {
  createDatabase,
  deleteDatabase,
  isSystemDatabase,
  setSecurity,
  targetState,
} from './target-database.ts';
import { currentWinners, winnersOf } from './winners.ts';

/** A database that it made does not stay when something fails; one that was there, empty, keeps what had come. */
export class WholeRestore implements DatabaseRestore {
  readonly goal: Goal;
  readonly #restoring: Restoring;
  readonly #shelf: AttachmentShelf;
  readonly #gathered: GatheredLeaves;
  /** What was loaded of each file, by its path within the database's folder. */
  readonly #loaded = new Map<string, RowCount>();
  #state: 'not begun' | 'made' | 'filled' = 'not begun';
  #manifest: Manifest | undefined;
  /** Whether it adds to what is there, and the documents for which that changes nothing. */
  #adds = false;
  readonly #unchanged: string[] = [];

  constructor(restoring: Restoring, goal: Goal) {
    this.#restoring = restoring;
    this.#shelf = new AttachmentShelf(restoring.into.sequential === true);
    this.#gathered = new GatheredLeaves(restoring.config.connections, (batch) => this.#write(batch));
    this.goal = goal;
  }

  async take(entry: PlacedEntry): Promise<void> {
    const { place, content } = entry;
    // Design documents may refuse others, and the manifest counts all.
    if (!('partition' in place) || place.partition === designPartition) await this.#gathered.flush();
    if (place.kind === 'file') return await this.#takeFile(entry, place.file);
    if (place.kind === 'attachment') return await this.#shelf.put(place.partition, place.file, content);
    if (place.kind !== 'documents') return;
    this.#assertBegun();
    const attachments = this.#shelf.of(place.partition);
    const count = await loadDocuments({
      restoring: this.#restoring,
      entry,
      attachments,
      write: async ({ leaves }) => {
        const isLight = ({ leaf }: StoredLeaf): boolean => leaf.attachments.length === 0;
        await this.#gathered.put(leaves.filter(isLight));
        // Attachments are at hand only until the next file comes.
        await this.#write({ leaves: leaves.filter((leaf) => !isLight(leaf)) });
      },
    });
    this.#loaded.set(documentsPath(place.partition), count);
  }

  async finish(): Promise<void> {
    this.#assertBegun();
    if (!this.#manifest) throw incomplete(this.goal.database, 'its manifest');
    this.#state = 'filled';
    if (this.#unchanged.length === 0) return;
    const more = this.#unchanged.length > 10 ? ', …' : '';
    this.#restoring.reporter.warn(
      `documents of ${this.goal.name} that were deleted or changed after the backup stay so; restore those you want with --document: ${this.#unchanged.slice(0, 10).join(', ')}${more}`,
    );
  }

  async close(): Promise<void> {
    await this.#shelf[Symbol.asyncDispose]();
  }

  async abandon(): Promise<void> {
    if (this.#state !== 'made') return;
    const { config, context, client } = this.#restoring;
    // The run may have been cancelled, and this has to be done all the same.
    const other = openClient(config, { ...context, signal: AbortSignal.timeout(30_000) });
    try {
      await deleteDatabase(other, this.goal.name);
    } catch (error) {
      context.log.warn(
        { database: this.goal.name, server: client.server, error: messageOf(error) },
        'what was begun could not be removed',
      );
    } finally {
      other.close();
    }
  }

  async #takeFile(entry: PlacedEntry, file: keyof typeof databaseFiles): Promise<void> {
    const { reporter, client } = this.#restoring;
    if (file === 'index') return;
    if (file === 'database') await this.#begin(parseDatabaseContents(await textOf(entry)));
    this.#assertBegun();
    if (file === 'local') {
      const count = await loadLocalDocuments(this.#restoring, this.#target(), entry);
      this.#loaded.set(databaseFiles.local, count);
    }
    if (file === 'manifest') this.#compare(parseManifest(await textOf(entry), this.goal.database));
    if (file !== 'security' || isSystemDatabase(this.goal.name)) return;
    try {
      await setSecurity(client, this.goal.name, await bytesOf(entry.content()));
    } catch (error) {
      if (!hasCode(error, 'SOURCE_DENIED')) throw error;
      reporter.fail(entry.path, asError(error));
    }
  }

  async #begin(contents: DatabaseContents): Promise<void> {
    const { client, facts, into } = this.#restoring;
    const { name } = this.goal;
    await assertFree(this.#restoring, name);
    let state = await targetState(client, facts, name);
    if (state === 'used' && into.force && !isSystemDatabase(name)) {
      await deleteDatabase(client, name);
      state = 'absent';
    }
    this.#adds = state === 'used';
    if (state === 'absent') await createDatabase(client, facts, name, contents);
    this.#state = state === 'absent' ? 'made' : 'filled';
  }

  async #write(batch: Batch): Promise<void> {
    await writeBatch(this.#restoring, this.#target(), batch);
    if (!this.#adds) return;
    const winners = winnersOf(batch.leaves).filter(({ leaf }) => !leaf.deleted && !leaf.id.startsWith('_'));
    const now = await currentWinners(this.#target(), winners);
    for (const { leaf } of winners)
      if ((now.get(leaf.id)?.rev ?? leaf.rev) !== leaf.rev) this.#unchanged.push(leaf.id);
  }

  #target() {
    const { client, facts } = this.#restoring;
    return { client, facts, database: this.goal.name };
  }

  #assertBegun(): void {
    if (this.#state === 'not begun') throw incomplete(this.goal.database, databaseFiles.database);
  }

  /** TARGET_FAILED for the first file that is not as it was captured, which nothing but damage explains. */
  #compare(manifest: Manifest): void {
    this.#manifest = manifest;
    for (const { name, reason } of manifest.missing)
      this.#restoring.reporter.warn(
        `${name} of ${manifest.database} is not whole in the snapshot: ${reason}`,
      );
    for (const { name, entries, rows, bytes } of manifest.tables) {
      const parts = entries.map((path) => this.#loaded.get(path));
      const lacking = entries.find((path) => !this.#loaded.has(path));
      if (lacking !== undefined) throw incomplete(this.goal.database, lacking);
      const sum = (key: 'rows' | 'bytes'): number =>
        parts.reduce((total, part) => total + (part?.[key] ?? 0), 0);
      if (sum('rows') === rows && sum('bytes') === bytes) continue;
      throw damagedSnapshot(
        `${name} of ${manifest.database} was captured with ${rows} revisions and restored with ${sum('rows')}`,
      );
    }
  }
}

const parseManifest = (text: string, database: string): Manifest => {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    throw incomplete(database, 'a manifest that can be read');
  }
};

const incomplete = (database: string, what: string): HoldfastError =>
  damagedSnapshot(`the snapshot of ${database} lacks ${what}`);
