// A whole database as one file for the engine's own client, that comes apart again into the entries it was made of. Lines
// that are comments to every SQL client tell the parts from one another:
//
//   -- Holdfast plain dump 1 4c9d… (a word nobody can have foreseen, so that no data contains it)
//   -- 4c9d… {"path":"01-pre-data.sql"}
//   …the part…
//   -- 4c9d… end
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { bufferOf } from '#lib/buffer-of.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Content, Entry, PlainDump } from './source.ts';

/** A part of such a file, in the order in which the client needs it. */
export interface PlainPart {
  /** The entry's path, for whoever takes the file apart; without one, the part is for the client only. */
  readonly path?: string;
  readonly content: Content;
  /** What the client needs around the content; whole lines. */
  readonly before?: string;
  readonly after?: string;
  /** Not for the client: each line becomes a comment. */
  readonly comment?: true;
}

/** The file that these parts make. `title` is for people, in lines without the comment marks. */
async function* writePlain(
  title: readonly string[],
  parts: AsyncIterable<PlainPart>,
): AsyncGenerator<Uint8Array> {
  const word = randomBytes(16).toString('hex');
  yield Buffer.from(`${firstWords} ${word}\n${title.map((line) => `-- ${oneLine(line)}\n`).join('')}`);
  for await (const part of parts) yield* writePart(word, part);
  yield Buffer.from(`-- ${word} ${endMark}\n`);
}

const firstWords = '-- Holdfast plain dump 1';
const endMark = 'end';
const newline = 10;

const markSchema = z.strictObject({
  path: z.string().optional(),
  comment: z.literal(true).optional(),
  /** Bytes that are not the entry's. */
  before: z.number().int().nonnegative().optional(),
  after: z.number().int().nonnegative().optional(),
});
type Mark = z.infer<typeof markSchema>;

async function* writePart(word: string, part: PlainPart): AsyncGenerator<Uint8Array> {
  const { path, comment, before = '', after = '' } = part;
  const mark: Mark = {
    ...(path !== undefined && { path }),
    ...(comment && { comment }),
    ...(before !== '' && { before: Buffer.byteLength(before) }),
    ...(after !== '' && { after: Buffer.byteLength(after) }),
  };
  yield Buffer.from(`-- ${word} ${JSON.stringify(mark)}\n${before}`);
  if (comment) yield* commented(part.content);
  else yield* wholeLines(part.content);
  if (after !== '') yield Buffer.from(after);
}

async function* wholeLines(content: Content): AsyncGenerator<Uint8Array> {
  let last = newline;
  for await (const chunk of content) {
    last = chunk.at(-1) ?? last;
    yield chunk;
  }
  if (last !== newline)
    throw new HoldfastError('FAILED', 'a part of a plain dump ends in the middle of a line');
}

async function* commented(content: Content): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(Uint8Array.from(chunk));
  const text = Buffer.concat(chunks).toString('latin1').replace(/\n$/, '');
  yield Buffer.from(`${text.replaceAll(/^/gm, '-- ')}\n`, 'latin1');
}

/** The entries of such a file. */
export async function* readPlain(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  const reader = new PlainReader(bytes);
  try {
    await reader.begin();
    for (let mark = await reader.nextMark(); mark !== undefined; mark = await reader.nextMark()) {
      const { path, ...form } = mark;
      if (path !== undefined) yield { path, type: 'file', meta: {}, content: () => reader.content(form) };
    }
  } finally {
    await reader.close();
  }
}

class PlainReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffer = Buffer.alloc(0);
  #ended = false;
  /** Begins a line that tells of a part. */
  #separator = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  async begin(): Promise<void> {
    const [, word] = new RegExp(`^${firstWords} ([0-9a-f]{32})$`).exec(await this.#line()) ?? [];
    if (word === undefined)
      throw new HoldfastError('UNSUPPORTED', 'this dump was not made by Holdfast', {
        hint: "load it with the engine's own client",
      });
    this.#separator = Buffer.from(`\n-- ${word} `);
    // Every separator begins with the line break before it, the first one too.
    this.#buffer = Buffer.concat([Buffer.from('\n'), this.#buffer]);
  }

  /** What the next part is; undefined at the end. What is left of the part before is passed over. */
  async nextMark(): Promise<Mark | undefined> {
    for await (const _ of this.#untilSeparator());
    this.#buffer = this.#buffer.subarray(this.#separator.length);
    const text = await this.#line();
    if (text === endMark) return undefined;
    this.#buffer = Buffer.concat([Buffer.from('\n'), this.#buffer]);
    return markSchema.parse(JSON.parse(text));
  }

  async *content({ comment, before = 0, after = 0 }: Mark): AsyncGenerator<Uint8Array> {
    const own = cutEnds(this.#part(), before, after);
    if (!comment) return yield* own;
    const text = Buffer.concat(await Array.fromAsync(own, (chunk) => Buffer.from(chunk))).toString('latin1');
    yield Buffer.from(text.replaceAll(/^-- /gm, ''), 'latin1');
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** Without the line break that stands before it, and with the one that ends it. */
  async *#part(): AsyncGenerator<Uint8Array> {
    let first = true;
    for await (const chunk of this.#untilSeparator()) {
      if (chunk.length > 0) yield first ? chunk.subarray(1) : chunk;
      first &&= chunk.length === 0;
    }
    if (!first) yield Buffer.from('\n');
  }

  /** Everything up to the next separator, which then stands first in the buffer. */
  async *#untilSeparator(): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#buffer.indexOf(this.#separator);
      const sure = at >= 0 ? at : Math.max(0, this.#buffer.length - this.#separator.length + 1);
      const found = this.#buffer.subarray(0, sure);
      this.#buffer = this.#buffer.subarray(sure);
      if (found.length > 0) yield found;
      if (at >= 0) return;
      await this.#more();
    }
  }

  async #line(): Promise<string> {
    for (;;) {
      const at = this.#buffer.indexOf(newline);
      if (at < 0) await this.#more();
      else {
        const line = this.#buffer.subarray(0, at).toString('utf8');
        this.#buffer = this.#buffer.subarray(at + 1);
        return line;
      }
    }
  }

  async #more(): Promise<void> {
    const { done, value } = this.#ended ? { done: true, value: undefined } : await this.#chunks.next();
    this.#ended = done === true;
    if (done)
      throw new HoldfastError('TARGET_FAILED', 'the dump is cut short: it does not end as it should', {
        hint: 'restore from another archive',
      });
    this.#buffer = Buffer.concat([this.#buffer, value as Uint8Array]);
  }
}

/** Without its first and last so many bytes. */
async function* cutEnds(
  bytes: AsyncIterable<Uint8Array>,
  before: number,
  after: number,
): AsyncGenerator<Uint8Array> {
  let left = before;
  let held: Uint8Array = new Uint8Array();
  for await (const chunk of bytes) {
    const rest = chunk.subarray(left);
    left -= chunk.length - rest.length;
    const all = after > 0 ? Buffer.concat([held, rest]) : bufferOf(rest);
    const sure = Math.max(0, all.length - after);
    if (sure > 0) yield all.subarray(0, sure);
    held = all.subarray(sure);
  }
}

/** How the entries of a source's dump become the files of its databases. */
export interface PlainPlan {
  /** Whose an entry is; undefined for what belongs to no database, which is left out. */
  databaseOf(path: string): string | undefined;
  title(database: string): readonly string[];
  /** The parts of one database, in the order of its entries. */
  parts(entries: AsyncIterable<Entry>, database: string): AsyncIterable<PlainPart>;
}

/** The files of all databases in a dump. */
export async function* plainDumps(entries: AsyncIterable<Entry>, plan: PlainPlan): AsyncGenerator<PlainDump> {
  const iterator = entries[Symbol.asyncIterator]();
  let ahead = await iterator.next();
  const ofDatabase = async function* (database: string): AsyncGenerator<Entry> {
    for (; !ahead.done && plan.databaseOf(ahead.value.path) === database; ahead = await iterator.next()) {
      if (ahead.value.failed) throw ahead.value.failed;
      if (ahead.value.type === 'file') yield ahead.value;
    }
  };
  try {
    while (!ahead.done) {
      const database = plan.databaseOf(ahead.value.path);
      if (database === undefined) {
        ahead = await iterator.next();
        continue;
      }
      yield {
        database,
        content: () => writePlain(plan.title(database), plan.parts(ofDatabase(database), database)),
      };
      // What was not read is passed over: a reader that could not write it anywhere went away.
      while (!ahead.done && plan.databaseOf(ahead.value.path) === database) ahead = await iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}

const oneLine = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ');
