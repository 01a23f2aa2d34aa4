// The bytes of an attachment, held against the digest that the server has of them.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import type { CouchClient } from './http.ts';
import type { Attachment } from './leaf.ts';
import { documentParts } from './server.ts';

/** Where an attachment can be read: from any revision that has it. */
export interface AttachmentPlace {
  readonly database: string;
  readonly id: string;
  readonly rev: string;
  readonly attachment: Attachment;
}

/** Its content, decoded, unless it came to the server compressed: that is kept as it came. When the connection breaks it is asked for again, and what was given already is not given twice. */
export async function* readAttachment(
  client: CouchClient,
  place: AttachmentPlace,
): AsyncGenerator<Uint8Array> {
  const { database, id, attachment } = place;
  const doing = `read attachment ${attachment.name} of ${id} in ${database}`;
  let given = 0;
  let attempts: AsyncIterator<Uint8Array> | undefined;
  try {
    for (;;) {
      const next = await client.persist(doing, async () => {
        attempts ??= readFrom(client, place, doing, given);
        try {
          return await attempts.next();
        } catch (error) {
          attempts = undefined;
          throw error;
        }
      });
      if (next.done) return;
      given += next.value.length;
      yield next.value;
    }
  } finally {
    await attempts?.return?.();
  }
}

/** One attempt; `skip` bytes were given by an earlier one. ITEM_CHANGED when it is gone, ITEM_UNREADABLE when it is damaged. */
async function* readFrom(
  client: CouchClient,
  { database, id, rev, attachment }: AttachmentPlace,
  doing: string,
  skip: number,
): AsyncGenerator<Uint8Array> {
  const answer = await client.open({
    path: [database, ...documentParts(id), attachment.name],
    query: { rev },
    // What the server keeps compressed has its digest in that form.
    headers: { accept: '*/*', 'accept-encoding': 'gzip' },
    doing,
    allow: [404],
  });
  if (answer.statusCode === 404) {
    answer.resume();
    throw new HoldfastError('ITEM_CHANGED', `cannot ${doing}: it is no longer there`, {
      hint: 'the document was changed meanwhile; run the backup again',
    });
  }
  const isCompressed = answer.headers['content-encoding'] === 'gzip';
  // Of what a client sent compressed the server knows no other length.
  const cameCompressed = isCompressed && Number(answer.headers['content-length']) === attachment.length;
  const [wire, plain] = [createHash('md5'), createHash('md5')];
  let length = 0;
  try {
    for await (const chunk of isCompressed && !cameCompressed ? unzipped(answer, wire) : answer) {
      const bytes = chunk as Uint8Array;
      plain.update(bytes);
      const fresh = bytes.subarray(Math.min(bytes.length, Math.max(0, skip - length)));
      length += bytes.length;
      if (fresh.length > 0) yield fresh;
    }
  } catch (error) {
    if (!systemCode(error)?.startsWith('Z_')) throw error;
    length = Number.NaN; // what came cannot be unpacked
  } finally {
    answer.destroy();
  }
  const digests = [plain, wire].map((hash) => `md5-${hash.digest('base64')}`);
  if (
    length === attachment.length &&
    (!attachment.digest.startsWith('md5-') || digests.includes(attachment.digest))
  )
    return;
  throw new HoldfastError('ITEM_UNREADABLE', `cannot ${doing}: what came is not what its digest says`, {
    hint: 'the attachment is damaged on the server, or a proxy changes what passes; open it there',
  });
}

const unzipped = (
  answer: IncomingMessage,
  wire: { update(bytes: Uint8Array): unknown },
): AsyncIterable<Uint8Array> => {
  const gunzip = createGunzip();
  answer.on('data', (chunk: Uint8Array) => void wire.update(chunk));
  answer.on('error', (error) => gunzip.destroy(error));
  return answer.pipe(gunzip);
};
