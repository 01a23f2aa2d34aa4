// Tar as bytes. The library is met here only.
import { once } from 'node:events';
import type { Headers, Pack } from 'tar-stream';
import type { Bytes } from './streams.ts';

/** What stands before a member's bytes. `pax` holds what the old header has no place for, as text. */
export interface TarHeader extends Omit<Headers, 'type'> {
  readonly type: NonNullable<Headers['type']>;
  readonly size: number;
  readonly pax?: Readonly<Record<string, string>> | undefined;
}

/** A member of a tar; its bytes are exactly as many as the header says. */
export interface TarMember {
  readonly header: TarHeader;
  readonly bytes?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** The tar of these members: POSIX (pax), readable by every tar. */
export async function* packTar(members: AsyncIterable<TarMember>): AsyncGenerator<Uint8Array> {
  const { pack: openPack } = (await import('tar-stream')).default;
  const pack = openPack();
  const stop = new AbortController();
  const feeding = feed(pack, members, stop.signal).then(
    () => pack.finalize(),
    (error: unknown) => void pack.destroy(error as Error),
  );
  try {
    yield* pack;
  } finally {
    stop.abort();
    pack.destroy();
    await feeding;
  }
}

const feed = async (pack: Pack, members: AsyncIterable<TarMember>, signal: AbortSignal): Promise<void> => {
  for await (const { header, bytes } of members) {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    const entry = pack.entry({ ...header }, (error) => (error ? reject(error) : resolve()));
    done.catch(() => {}); // awaited below, unless writing failed before
    entry.on('error', () => {}); // the pack tells of it
    if (header.type === 'file') {
      // The producer may reuse what it gave.
      for await (const chunk of bytes ?? [])
        if (!entry.write(Buffer.from(chunk))) await once(entry, 'drain', { signal });
      entry.end();
    }
    await Promise.race([done, ended(signal)]);
  }
};

const ended = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const end = () => reject(new Error('the tar is not wanted any more'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

/** A member as it comes; its bytes can be read until the next one is asked for. */
export interface FoundMember {
  readonly header: Headers & { readonly name: string; readonly pax?: Readonly<Record<string, string>> };
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The members of a tar, one after the other. Throws when it ends too early. */
export async function* unpackTar(bytes: Bytes): AsyncGenerator<FoundMember> {
  const { extract: openExtract } = (await import('tar-stream')).default;
  const extract = openExtract();
  const stop = new AbortController();
  const feeding = (async () => {
    for await (const chunk of bytes) {
      if (stop.signal.aborted) return;
      if (!extract.write(Buffer.from(chunk))) await once(extract, 'drain', { signal: stop.signal });
    }
    extract.end();
  })().catch((error: unknown) => void extract.destroy(error as Error));
  try {
    for await (const entry of extract) {
      yield { header: entry.header as FoundMember['header'], bytes: entry };
      entry.resume(); // what nobody read is passed over
    }
  } finally {
    stop.abort();
    extract.destroy();
    await feeding;
  }
}
