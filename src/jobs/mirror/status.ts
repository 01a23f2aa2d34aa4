// The status of each file, into the catalog and the table that others look at: a few at a time, and none twice.
import type { MirrorFile, MirrorLedger, MirrorOutcome, MirrorPlace } from '#catalog/mirrors.ts';
import { HoldfastError } from '#lib/errors.ts';
import { type FileStatusTable, fileStatusKeeperOf } from '#sources/file-statuses.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import type { JobContext } from '../job-context.ts';
import type { ListedFile } from './listed-file.ts';

export interface StatusOptions {
  readonly ledger: MirrorLedger;
  readonly place: MirrorPlace;
  /** The table for others; absent where none is kept. */
  readonly table?: FileStatusTable | undefined;
  /** What that table calls the way copies travel. */
  readonly method: string;
}

/** How many files, and how much time's, a crash may lose: they are copied again. */
const batchSize = 200;
const batchMs = 1000;

export class Statuses {
  readonly #options: StatusOptions;
  readonly #waiting = new Map<string, readonly [MirrorOutcome, ListedFile]>();
  #since = 0;
  #flushing: Promise<void> = Promise.resolve();

  constructor(options: StatusOptions) {
    this.#options = options;
  }

  /** What is known of a file by now. */
  of(path: string): Pick<MirrorFile, 'status' | 'listed' | 'run' | 'at' | 'copy'> | undefined {
    const { ledger, place } = this.#options;
    return this.#waiting.get(path)?.[0] ?? ledger.file(place, path);
  }

  async add(outcome: MirrorOutcome, file: ListedFile): Promise<void> {
    if (this.#waiting.size === 0) this.#since = performance.now();
    this.#waiting.set(outcome.path, [outcome, file]);
    if (this.#waiting.size >= batchSize || performance.now() - this.#since >= batchMs) await this.flush();
  }

  /** All that was added is remembered when it resolves. */
  async flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    await this.#flushing;
  }

  /** The table first: what is in the catalog is not tried again, so that a row missing in the table would stay so. */
  async #write(): Promise<void> {
    const { ledger, place, table, method } = this.#options;
    const batch = [...this.#waiting.values()];
    if (batch.length === 0) return;
    await table?.keep(
      batch.map(([{ status, at, created }, { dataset, storage }]) => ({
        ...{ dataset, storage, status, created, at, method },
      })),
    );
    ledger.record(
      place,
      batch.map(([outcome]) => outcome),
    );
    for (const [outcome] of batch)
      if (this.#waiting.get(outcome.path)?.[0] === outcome) this.#waiting.delete(outcome.path);
  }
}

/** The table in that database; UNSUPPORTED where it cannot be one. */
export const openStatusTable = async (
  config: SourceConfig,
  { signal, clock, log }: JobContext,
): Promise<FileStatusTable> => {
  const source = await openSource(config, { signal, clock, log });
  const keeper = fileStatusKeeperOf(source);
  if (keeper === undefined) {
    await source[Symbol.asyncDispose]();
    throw new HoldfastError(
      'UNSUPPORTED',
      `${config.name} is of kind ${config.kind}, which keeps no table of statuses`,
      {
        hint: 'name a source of kind postgres',
      },
    );
  }
  const table = await keeper.openFileStatuses().catch(async (error: unknown) => {
    await source[Symbol.asyncDispose]();
    throw error;
  });
  return {
    keep: (rows) => table.keep(rows),
    async [Symbol.asyncDispose]() {
      await table[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
};
