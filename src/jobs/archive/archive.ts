// Sources → plain files, each whole or not there at all.

import { encrypt } from '#archive/encryption.ts';
import { type Format, formatOf } from '#archive/format.ts';
import { type NameTemplate, type NameWords, nameTemplate } from '#archive/name.ts';
import { putStream, type Written } from '#archive/put-stream.ts';
import { type Bytes, compress } from '#archive/streams.ts';
import { membersOf } from '#archive/tar-entries.ts';
import { packTar, type TarMember } from '#archive/tar-stream.ts';
import type { UnfinishedObjects } from '#catalog/unfinished.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import { machineName } from '#lib/machine-name.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import { type Entry, plainDumperOf, type Source } from '#sources/source.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { type ArchivedFile, commitFile } from './files.ts';
import { noting } from './leftovers.ts';
import { type Ownership, sizeOfOwn } from './ownership.ts';

export interface ArchiveRequest {
  readonly job: string;
  readonly sources: readonly SourceConfig[];
  readonly stores: readonly Store[];
  /** The template of the files' names. */
  readonly name: string;
  readonly site: string | undefined;
  /** Public keys; empty for files that anybody can read. */
  readonly recipients: readonly string[];
  readonly unfinished?: UnfinishedObjects | undefined;
  readonly ownership: Ownership;
  /** Of all files of the run: what the names tell. */
  readonly startedAt: Date;
}

/** What became of a source, or of several that share a file. */
export type ArchiveOutcome = {
  readonly sources: readonly SourceConfig[];
  readonly ms: number;
} & ({ readonly files: readonly ArchivedFile[] } | { readonly error: Error });

/** Archives one source after the other; one that fails does not stop the others. Throws only when cancelled. */
export async function* archiveSources(
  request: ArchiveRequest,
  context: JobContext,
): AsyncGenerator<ArchiveOutcome> {
  const taken = new Set<string>();
  for (const sources of groupsOf(request)) {
    throwIfCancelled(context.signal);
    const startedMs = context.clock.now().getTime();
    const outcome = await archiveGroup({ ...request, sources, taken }, context);
    yield { sources, ms: context.clock.now().getTime() - startedMs, ...outcome };
  }
}

/** Sources share a tar when its name tells none of them apart. */
const groupsOf = ({ sources, name }: ArchiveRequest): (readonly SourceConfig[])[] => {
  const template = nameTemplate(name);
  const shared = formatOf(name)?.container === 'tar' && !template.has('source') && !template.has('database');
  return shared ? [sources] : sources.map((source) => [source]);
};

interface Group extends ArchiveRequest {
  /** Names of this run. */
  readonly taken: Set<string>;
}

const archiveGroup = async (
  group: Group,
  context: JobContext,
): Promise<{ readonly files: readonly ArchivedFile[] } | { readonly error: Error }> => {
  const { signal, clock, log, onEvent } = context;
  const [first] = group.sources;
  const subject = group.sources.map(({ name }) => name).join(', ');
  onEvent({
    type: 'started',
    subject,
    doing: `archiving to ${group.stores.map(({ location }) => location).join(', ')}`,
  });
  const opened: Source[] = [];
  try {
    for (const source of group.sources) opened.push(await openSource(source, { signal, clock, log }));
    const [only] = opened;
    const format = formatOf(group.name) ?? usualFormat(only);
    const work = new GroupWork(group, format, subject, context);
    if (format.container === 'tar') return { files: [...(await work.tar(opened))] };
    if (first === undefined || only === undefined) return { files: [] };
    return { files: await work.plain(first, only, format.container.plain) };
  } catch (error) {
    throwIfCancelled(signal);
    return { error: asError(error) };
  } finally {
    for (const source of opened) await source[Symbol.asyncDispose]();
  }
};

/** What is best restored by others: the engine's own dump, or else all files as they are. */
const usualFormat = (source: Source | undefined): Format => {
  const plain = source && plainDumperOf(source)?.plainExtension;
  return { container: plain === undefined ? 'tar' : { plain }, compression: 'gzip', encrypted: false };
};

/** One file after the other from the sources of a group. */
class GroupWork {
  readonly #group: Group;
  readonly #format: Format;
  readonly #template: NameTemplate;
  readonly #subject: string;
  readonly #context: JobContext;
  #bytes = 0;
  #items = 0;

  constructor(group: Group, format: Format, subject: string, context: JobContext) {
    this.#group = group;
    this.#format = format;
    this.#template = nameTemplate(group.name);
    this.#subject = subject;
    this.#context = context;
  }

  /** The engine's own dump of each database. */
  async plain(config: SourceConfig, source: Source, ending: string): Promise<ArchivedFile[]> {
    const dumper = plainDumperOf(source);
    if (dumper?.plainExtension !== ending)
      throw new HoldfastError(
        'UNSUPPORTED',
        `${config.kind} has no dump of its own that ends in .${ending}`,
        {
          hint: dumper
            ? `let the name end in .${dumper.plainExtension}.gz, or in .tar.gz`
            : 'let the name end in .tar.gz',
        },
      );
    const files: ArchivedFile[] = [];
    for await (const { database, content } of dumper.plainDumps())
      files.push(...(await this.#write(this.#name(config, database), content())));
    if (files.length > 0) return files;
    throw new HoldfastError('FAILED', `${config.name} has no database`, {
      hint: 'check what the source chooses',
    });
  }

  /** All sources as folders of one file. */
  async tar(sources: readonly Source[]): Promise<ArchivedFile[]> {
    const { sources: configs } = this.#group;
    const [first] = configs;
    if (first === undefined) return [];
    if (this.#template.has('database'))
      throw new HoldfastError('UNSUPPORTED', 'a tar holds all databases of a source', {
        hint: 'take {database} out of the name, or let it end as the engine’s own dump does (.sql.gz)',
      });
    return await this.#write(this.#name(first, ''), packTar(this.#members(sources)));
  }

  async *#members(sources: readonly Source[]): AsyncGenerator<TarMember> {
    const failures: Error[] = [];
    for (const [at, source] of sources.entries()) {
      const subject = this.#group.sources[at]?.name ?? '';
      yield* membersOf(subject, source.dump(), {
        onEntry: (entry) => this.#progress(entry),
        onFailure: (entry, error) => {
          failures.push(error);
          this.#context.onEvent({ type: 'item-failed', subject, item: entry.item ?? entry.path, error });
        },
      });
    }
    const [first] = failures;
    if (first)
      throw new HoldfastError(
        'FAILED',
        `no archive was made, since ${failures.length === 1 ? 'an item' : `${failures.length} items`} could not be read: ${first.message}`,
        { cause: first, hint: 'exclude what cannot be read, or let Holdfast read it' },
      );
  }

  #name({ name, kind: _ }: SourceConfig, database: string): string {
    const { job, site = '', startedAt, recipients } = this.#group;
    const words: NameWords = { source: name, database, job, host: machineName(), site };
    const base = this.#template.format(words, startedAt);
    const named = formatOf(this.#group.name) ? base : base + endingOf(this.#format);
    const file = recipients.length > 0 && !/\.age$/i.test(named) ? `${named}.age` : named;
    const { taken } = this.#group;
    if (taken.has(file))
      throw new HoldfastError('USAGE', `two files of this run would be called ${file}`, {
        hint: 'put {source} or {database} into the name',
      });
    taken.add(file);
    return file;
  }

  async #write(file: string, content: Bytes): Promise<ArchivedFile[]> {
    const { stores, recipients } = this.#group;
    if (this.#format.encrypted && recipients.length === 0)
      throw new HoldfastError('CONFIG_INVALID', `${file} would not be encrypted: "encryptTo" is missing`);
    const compressed = compress(this.#counted(content), this.#format.compression);
    const bytes = recipients.length > 0 ? encrypt(compressed, recipients) : compressed;
    const refusals = await Promise.all(stores.map((store) => this.#refusal(file, store)));
    const open = stores.filter((_, at) => refusals[at] === undefined);
    const { signal } = this.#context;
    const options = { signal, ...noting(this.#group.unfinished, this.#group.job) };
    const written = open.length > 0 ? await putStream(open, file, bytes, options) : [];
    return await Promise.all(
      stores.map((store, at) => this.#finish(file, store, refusals[at] ?? written[open.indexOf(store)])),
    );
  }

  /** Before hours are spent on what would not be stored under that name. */
  async #refusal(file: string, store: Store): Promise<Error | undefined> {
    try {
      await sizeOfOwn(store, file, this.#group.ownership);
      return undefined;
    } catch (error) {
      return asError(error);
    }
  }

  async #finish(file: string, store: Store, written: Written | Error | undefined): Promise<ArchivedFile> {
    const begin = { file, store: store.location };
    if (written === undefined || written instanceof Error)
      return { ...begin, error: written ?? new Error('not written') };
    try {
      await commitFile(written, this.#group.ownership);
      const { sizeBytes, sha256 } = written;
      this.#context.onEvent({
        type: 'archived',
        subject: this.#subject,
        file,
        store: store.location,
        bytes: sizeBytes,
      });
      return { ...begin, sizeBytes, sha256 };
    } catch (error) {
      await written.abort();
      return { ...begin, error: asError(error) };
    }
  }

  async *#counted(bytes: Bytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.#bytes += chunk.length;
      this.#tell();
      yield chunk;
    }
  }

  #progress(entry: Entry): void {
    if (entry.type === 'file') this.#items += 1;
    this.#tell(entry.path);
  }

  #tell(current?: string): void {
    const progress = { phase: 'archiving', bytes: this.#bytes, items: this.#items };
    this.#context.onEvent({
      type: 'progress',
      subject: this.#subject,
      progress: { ...progress, ...(current !== undefined && { current }) },
    });
  }
}

const endingOf = ({ container }: Format): string =>
  container === 'tar' ? '.tar.gz' : `.${container.plain}.gz`;
