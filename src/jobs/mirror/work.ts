// What is done with each listed file: passed over, copied, or compared; many at once, each status remembered.
import type { MirrorCopy, MirrorOutcome, MirrorStatus } from '#catalog/mirrors.ts';
import { errorReport } from '#catalog/run.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit, Semaphore } from '#lib/concurrency.ts';
import { asError, HoldfastError, hasCode } from '#lib/errors.ts';
import { dateToNanos, doubtfulTime, isDoubtful } from '#lib/file-times.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { flawOfCopy } from './compare-copy.ts';
import { type CopyContext, copyFile, smallBytes } from './copy-file.ts';
import { type ListedFile, listedContent } from './listed-file.ts';
import type { Places } from './places.ts';
import type { Statuses } from './status.ts';

/** 'new': what may be new. 'rerun': all that is not OK. 'verify': what is OK, compared again. */
export type MirrorMode = 'new' | 'rerun' | 'verify';

export interface MirrorCounts {
  readonly listed: number;
  /** Copied, or with 'verify' found as they were copied. */
  readonly succeeded: number;
  readonly failed: number;
  /** Those that were OK already; with 'verify' those that are not. */
  readonly passedOver: number;
  /** Of those that succeeded. */
  readonly bytes: number;
}

export interface MirrorWorkOptions {
  readonly run: string;
  /** What its events are about. */
  readonly subject: string;
  readonly mode: MirrorMode;
  readonly places: Places;
  readonly to: Store;
  readonly statuses: Statuses;
  /** Of files that are written in pieces. */
  readonly noting: Pick<CopyContext, 'onBegin' | 'onEnd'>;
}

/** What is known of a file by now. */
type Known = NonNullable<ReturnType<Statuses['of']>>;

interface Attempt {
  readonly file: ListedFile;
  readonly listed: string;
  readonly before: Known | undefined;
  /** When it began. */
  readonly at: Date;
}

/** Large files that travel at once: each has several pieces in memory. */
const largeAtOnce = 2;

/** A store that could not be reached so often, one time after the other, is not asked for the next file. */
const mostUnreachable = 3;

export class MirrorWork {
  readonly #options: MirrorWorkOptions;
  readonly #context: JobContext;
  readonly #underWay = new Map<string, { readonly listed: string; readonly end: Promise<void> }>();
  readonly #large = new Semaphore(largeAtOnce);
  #unreachable = 0;
  #counts = { listed: 0, succeeded: 0, failed: 0, passedOver: 0, bytes: 0 };

  constructor(options: MirrorWorkOptions, context: JobContext) {
    this.#options = options;
    this.#context = context;
  }

  get counts(): MirrorCounts {
    return this.#counts;
  }

  /** Throws when a store or the catalog is beyond use, or it is cancelled; what was done until then is remembered. */
  async all(files: AsyncIterable<ListedFile>): Promise<void> {
    const { to, statuses } = this.#options;
    try {
      await forEachLimit(files, to.connections, (file) => this.#file(file));
    } finally {
      await statuses.flush();
    }
  }

  async #file(file: ListedFile): Promise<void> {
    throwIfCancelled(this.#context.signal);
    this.#counts.listed += 1;
    const { path } = file;
    const listed = listedContent(file);
    const before = this.#options.statuses.of(path);
    const attempt = { file, listed, before, at: this.#context.clock.now() };
    const underWay = this.#underWay.get(path);
    const twice = underWay?.listed ?? (before?.run === this.#options.run ? before.listed : undefined);
    if (twice === listed) this.#counts.passedOver += 1;
    else if (twice !== undefined) {
      await underWay?.end.catch(() => {}); // what is remembered last is the failure
      await this.#fail(attempt, 'FAIL_READ', listedTwice());
    } else {
      const end = this.#once(attempt);
      this.#underWay.set(path, { listed, end });
      try {
        await end;
      } finally {
        this.#underWay.delete(path);
      }
    }
    this.#tell(path);
  }

  async #once(attempt: Attempt): Promise<void> {
    const { before, listed } = attempt;
    const good = before?.status === 'OK' && before.listed === listed ? before : undefined;
    if (this.#options.mode === 'verify' && good?.copy) await this.#compare(attempt, good.copy);
    else if (this.#options.mode === 'verify') this.#counts.passedOver += 1;
    else if (good && !(await this.#hasChangedUnseen(attempt, good))) this.#counts.passedOver += 1;
    else await this.#copy(attempt);
  }

  /** When the last attempt was so soon after a change that another one may have left the same time, the content has to tell. */
  async #hasChangedUnseen(attempt: Attempt, { at: last, copy }: Known): Promise<boolean> {
    const { file, at } = attempt;
    const modified = file.modified && dateToNanos(file.modified);
    if (!copy || !isDoubtful(modified, doubtfulTime(last, at))) return false;
    const { signal } = this.#context;
    const compare = () => flawOfCopy(this.#options.places.of(file), file.key, copy, signal);
    const flaw = await this.#amongLarge(copy, compare).catch(asError);
    if (!flaw) await this.#remember(attempt, { status: 'OK', copy });
    return flaw !== undefined;
  }

  async #copy(attempt: Attempt): Promise<void> {
    const { places, to, noting } = this.#options;
    const { signal } = this.#context;
    const { file, before } = attempt;
    let from: Store;
    try {
      from = places.of(file);
    } catch (error) {
      return await this.#fail(attempt, 'FAIL_READ', asError(error));
    }
    const outcome = await copyFile(file, from, {
      ...{ to, signal, ...noting },
      large: (work) => this.#large.run(work),
      replaces: (before?.copy?.sizeBytes ?? 0) > smallBytes,
    });
    if (outcome.status === 'OK') await this.#succeed(attempt, outcome.copy);
    else await this.#fail(attempt, outcome.status, outcome.error);
  }

  async #compare(attempt: Attempt, copy: MirrorCopy): Promise<void> {
    const compare = () => flawOfCopy(this.#options.to, attempt.file.path, copy, this.#context.signal);
    const flaw = await this.#amongLarge(copy, compare);
    if (flaw) await this.#fail(attempt, 'FAIL_WRITE', flaw);
    else await this.#succeed(attempt, copy);
  }

  #amongLarge<Result>({ sizeBytes }: MirrorCopy, work: () => Promise<Result>): Promise<Result> {
    return sizeBytes > smallBytes ? this.#large.run(work) : work();
  }

  async #succeed(attempt: Attempt, copy: MirrorCopy): Promise<void> {
    this.#unreachable = 0;
    this.#counts.succeeded += 1;
    this.#counts.bytes += copy.sizeBytes;
    await this.#remember(attempt, { status: 'OK', copy });
  }

  async #fail(attempt: Attempt, status: MirrorStatus, error: Error): Promise<void> {
    this.#counts.failed += 1;
    const { path } = attempt.file;
    this.#context.onEvent({ type: 'item-failed', subject: this.#options.subject, item: path, error });
    await this.#remember(attempt, { status, error: errorReport(error) });
    this.#unreachable = hasCode(error, 'STORE_UNREACHABLE') ? this.#unreachable + 1 : 0;
    if (this.#unreachable >= mostUnreachable || (status === 'FAIL_WRITE' && hasCode(error, 'STORE_FULL')))
      throw error;
  }

  async #remember(
    { file, listed, at }: Attempt,
    outcome: Pick<MirrorOutcome, 'status' | 'copy' | 'error'>,
  ): Promise<void> {
    const { statuses, run } = this.#options;
    const { path, created } = file;
    await statuses.add({ path, created, run, at, listed, ...outcome }, file);
  }

  #tell(current: string): void {
    const { subject, mode } = this.#options;
    const { listed: items, bytes } = this.#counts;
    const phase = mode === 'verify' ? 'comparing' : 'copying';
    this.#context.onEvent({ type: 'progress', subject, progress: { phase, bytes, items, current } });
  }
}

const listedTwice = (): HoldfastError =>
  new HoldfastError('ITEM_UNREADABLE', 'it is listed twice, with other contents each time', {
    hint: 'let the listing give each path once',
  });
