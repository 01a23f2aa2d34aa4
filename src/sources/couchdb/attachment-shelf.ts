// The attachments of the partition that is coming: they come before the documents that have them.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Content } from '../source.ts';
import type { Partition } from './layout.ts';

export type Attachments = ReadonlyMap<string, () => Content>;

/**
 * Remembers where each can be read when its document has come. From a stream that is only possible now: then they lie in a
 * folder of their own, that none but this user can enter, until the next partition comes.
 */
export class AttachmentShelf implements AsyncDisposable {
  readonly #isStream: boolean;
  #partition: Partition | undefined;
  #contents = new Map<string, () => Content>();
  #folder: string | undefined;

  constructor(isStream: boolean) {
    this.#isStream = isStream;
  }

  async put(partition: Partition, file: string, content: () => Content): Promise<void> {
    if (this.#partition !== partition) await this[Symbol.asyncDispose]();
    this.#partition = partition;
    this.#contents.set(file, this.#isStream ? await this.#copy(content) : content);
  }

  of(partition: Partition): Attachments {
    return this.#partition === partition ? this.#contents : new Map();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#contents = new Map();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  async #copy(content: () => Content): Promise<() => Content> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'holdfast-attachments-'));
    const path = join(this.#folder, String(this.#contents.size));
    await pipeline(content(), createWriteStream(path, { mode: 0o600 }));
    return () => createReadStream(path);
  }
}
