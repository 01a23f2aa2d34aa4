// A listing of S3, page by page; what it leaves out would count as not there, so an odd one is refused.
import { HoldfastError } from '#lib/errors.ts';
import type { S3Listed } from './s3-client.ts';

/** As ListObjectsV2 answers. */
interface Page {
  readonly Name?: string | undefined;
  readonly KeyCount?: number | undefined;
  readonly EncodingType?: string | undefined;
  readonly IsTruncated?: boolean | undefined;
  readonly NextContinuationToken?: string | undefined;
  readonly Contents?: readonly Listed[] | undefined;
}

interface Listed {
  readonly Key?: string | undefined;
  readonly Size?: number | undefined;
  readonly LastModified?: Date | undefined;
}

/** A service may go through names that were deleted, and find none that is left. */
const mostEmptyPages = 300;

/** `pageAt` asks for the page of a continuation token, which the first has none of. */
export async function* listObjects(
  bucket: string,
  pageAt: (token: string | undefined) => Promise<Page>,
): AsyncGenerator<S3Listed> {
  const lastNames = new Set<string>();
  let emptyPages = 0;
  let token: string | undefined;
  do {
    const page = await pageAt(token);
    if (page.IsTruncated === undefined && page.Name === undefined && page.KeyCount === undefined)
      throw noListing(bucket);
    for (const { Key, Size: size, LastModified: modified } of page.Contents ?? []) {
      if (Key === undefined || size === undefined) throw noListing(bucket);
      yield { name: page.EncodingType === 'url' ? decodeKey(Key) : Key, size, modified };
    }
    token = tokenAfter(page, token);
    const last = page.Contents?.at(-1)?.Key;
    if (last === undefined) emptyPages += 1;
    else if (lastNames.has(last)) throw circularListing(bucket);
    else lastNames.add(last);
    if (emptyPages > mostEmptyPages) throw circularListing(bucket);
  } while (token !== undefined);
}

/** Services that know only the first version of listings name no next page, or the same one again. */
const tokenAfter = (page: Page, token: string | undefined): string | undefined => {
  if (!page.IsTruncated) return undefined;
  const next = page.NextContinuationToken;
  if (next && next !== token) return next;
  throw new HoldfastError('UNSUPPORTED', 'the S3 service says that its listing goes on, but not how', {
    hint: 'it must know ListObjectsV2: bring it up to date, or choose another kind of store',
  });
};

const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '));

/** The SDK takes any XML for a listing of nothing, also a page of a proxy that is put before the service. */
const noListing = (bucket: string): HoldfastError => cannotList(bucket, 'the answer is no listing');

const circularListing = (bucket: string): HoldfastError => cannotList(bucket, 'its listing does not get on');

const cannotList = (bucket: string, why: string): HoldfastError =>
  new HoldfastError('STORE_UNREACHABLE', `cannot list the bucket ${bucket}: ${why}`, {
    hint: 'check the endpoint, and what answers there in the place of the S3 service',
  });
