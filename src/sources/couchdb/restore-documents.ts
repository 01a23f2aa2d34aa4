// Documents, with their history, into a database that may be in use.
import { asError, HoldfastError } from '#lib/errors.ts';
import { AttachmentShelf } from './attachment-shelf.ts';
import type { PlacedEntry } from './entry-stream.ts';
import { type Batch, loadDocuments, writeBatch } from './load-documents.ts';
import { type PutTarget, postDocuments, type StoredLeaf, withAttachments } from './put-leaves.ts';
import type { DatabaseRestore, Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';
import { createDatabase, targetState } from './target-database.ts';
import { currentWinners, type Winner, winnersOf } from './winners.ts';

/**
 * Revisions come back under their own names. Where the database went on from them, that alone would change nothing: then the
 * document of the backup becomes a new revision on top, if what is there is deleted, or when it is told to with `force`.
 */
export class DocumentsRestore implements DatabaseRestore {
  readonly goal: Goal;
  readonly #restoring: Restoring;
  readonly #shelf: AttachmentShelf;
  #begun = false;
  #found = 0;

  constructor(restoring: Restoring, goal: Goal) {
    this.#restoring = restoring;
    this.#shelf = new AttachmentShelf(restoring.into.sequential === true);
    this.goal = goal;
  }

  async take(entry: PlacedEntry): Promise<void> {
    const { place, content } = entry;
    if (place.kind === 'attachment') await this.#shelf.put(place.partition, place.file, content);
    if (place.kind !== 'documents') return;
    await this.#begin();
    const { records } = this.#restoring.into;
    await loadDocuments({
      restoring: this.#restoring,
      entry,
      attachments: this.#shelf.of(place.partition),
      ids: records && new Set(records),
      write: (batch) => this.#write(entry.path, batch),
    });
  }

  async finish(): Promise<void> {
    if (this.#found > 0) return;
    const { records = [] } = this.#restoring.into;
    throw new HoldfastError(
      'PATH_UNKNOWN',
      `the snapshot of ${this.goal.database} holds no document ${records.join(', ')}`.trimEnd(),
      {
        hint: 'holdfast find --document <id> tells which snapshots have it',
      },
    );
  }

  async abandon(): Promise<void> {}

  async close(): Promise<void> {
    await this.#shelf[Symbol.asyncDispose]();
  }

  /** The database need not be there: a new one is a good place to look at old documents. */
  async #begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    const { client, facts } = this.#restoring;
    if ((await targetState(client, facts, this.goal.name)) !== 'absent') return;
    const plain = {
      database: 1,
      name: this.goal.name,
      partitioned: false,
      documents: 0,
      updateSeq: '0',
      purgeSeq: '0',
    } as const;
    await createDatabase(client, facts, this.goal.name, plain);
  }

  async #write(path: string, batch: Batch): Promise<void> {
    const { client, facts, reporter } = this.#restoring;
    const target: PutTarget = { client, facts, database: this.goal.name };
    this.#found += batch.leaves.length;
    const winners = winnersOf(batch.leaves);
    this.#assertReplaceable(winners, await currentWinners(target, winners));
    const refused = await writeBatch(this.#restoring, target, batch);
    const now = await currentWinners(target, winners);
    const isRefused = (id: string): boolean => refused.some((one) => one.id === id);
    const covered = winners.filter(({ leaf }) => now.get(leaf.id)?.rev !== leaf.rev && !isRefused(leaf.id));
    if (covered.length === 0) return;
    const documents: Buffer[] = [];
    for (const stored of covered) {
      const there = now.get(stored.leaf.id);
      // On a tombstone CouchDB puts a document that names no revision, and takes one that names the tombstone for a conflict.
      const rev = there && !there.deleted ? JSON.stringify(there.rev) : undefined;
      documents.push(await withAttachments(stored, { _rev: rev, _revisions: undefined }));
    }
    for (const { id, error } of await postDocuments(target, documents, true))
      reporter.fail(`${path}: ${id}`, asError(error));
    reporter.warn(
      `documents that had later revisions got a new one, with the content of the backup: ${covered
        .map(({ leaf }) => leaf.id)
        .slice(0, 10)
        .join(', ')}${covered.length > 10 ? ', …' : ''}`,
    );
  }

  /** TARGET_NOT_EMPTY when a document is there in another revision. */
  #assertReplaceable(winners: readonly StoredLeaf[], now: ReadonlyMap<string, Winner>): void {
    if (this.#restoring.into.force) return;
    for (const { leaf } of winners) {
      const there = now.get(leaf.id);
      if (!there || there.deleted || there.rev === leaf.rev) continue;
      throw new HoldfastError(
        'TARGET_NOT_EMPTY',
        `${this.goal.name} has the document ${leaf.id} in revision ${there.rev}, and the backup has ${leaf.rev}`,
        { hint: 'restore it into another database, or say --force to put the content of the backup on top' },
      );
    }
  }
}
