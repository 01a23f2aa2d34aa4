// The requests of S3 as the store needs them. The AWS SDK is met here only.

import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { certificates } from '#lib/certificates.ts';
import { HoldfastError } from '#lib/errors.ts';
import { mostBytesOf, mostMsToAnswer, mostRefusalBytes } from '../answer-size.ts';
import type { PartAnswer } from '../part.ts';
import { boundedBody } from './bounded-body.ts';
import { listObjects } from './list-objects.ts';
import type { S3Config } from './s3.ts';

/** Names are those of the bucket, prefix included. */
export interface S3Bucket {
  put(name: string, bytes: Uint8Array, options: PutOptions): Promise<void>;
  /** The object, or what the service gives for its bytes from the first to the last. */
  get(name: string, bytes?: { readonly first: number; readonly last: number }): Promise<S3Content>;
  head(name: string): Promise<S3Head>;
  list(prefix: string): AsyncIterable<S3Listed>;
  delete(name: string): Promise<void>;
  /** Holds an object until that day. */
  retain(name: string, until: Date): Promise<void>;
  /** Begins an object that comes in parts, and returns the upload's id. */
  beginUpload(name: string, heldUntil: Date | undefined): Promise<string>;
  /** Puts a part, by its number from 1; what is returned is needed in the end. */
  putPart(upload: Upload, number: number, bytes: Uint8Array): Promise<string>;
  endUpload(
    upload: Upload,
    parts: readonly { readonly number: number; readonly tag: string }[],
  ): Promise<void>;
  /** Fails when the service does not know it. */
  lookAtUpload(upload: Upload): Promise<void>;
  abortUpload(upload: Upload): Promise<void>;
  close(): void;
}

export interface S3Content extends PartAnswer {
  readonly contentType: string | undefined;
}

export interface S3Head {
  readonly size: number;
  readonly etag: string | undefined;
  /** Where the key may see it. */
  readonly held: S3Held | undefined;
}

export interface S3Held {
  readonly mode: 'governance' | 'compliance';
  readonly until: Date;
}

export interface S3Listed {
  readonly name: string;
  readonly size: number;
  readonly modified: Date | undefined;
}

export interface Upload {
  readonly name: string;
  readonly id: string;
  /** Whether each part comes with its MD5, as objects that are held must. */
  readonly checked: boolean;
}

export interface PutOptions {
  readonly onlyNew: boolean;
  readonly heldUntil: Date | undefined;
  /** Of the bytes, in hex, where it is known already. The service refuses bytes with another one (status 400). */
  readonly sha256: string | undefined;
}

/** Connects on first use. Retries are left to the wrapper. */
export const openBucket = (config: S3Config): S3Bucket => {
  const client = new S3(clientOptions(config));
  const silenceMs = config.timeoutSeconds * 1000;
  boundAnswer(client, mostRefusalBytes, silenceMs);
  const sending = ({ length }: Uint8Array) => ({ requestTimeout: mostMsToAnswer(silenceMs, length) });
  const Bucket = config.bucket;
  const customerKey = customerKeyHeaders(config.encryption);
  const headers = {
    ContentType: 'application/octet-stream',
    ...customerKey,
    ...encryptionHeaders(config.encryption),
    ...(config.storageClass !== undefined && { StorageClass: config.storageClass as 'STANDARD' }),
  };
  return {
    async put(name, bytes, { onlyNew, heldUntil, sha256 }) {
      const command = new PutObjectCommand({
        Bucket,
        Key: name,
        Body: bytes,
        ContentLength: bytes.length,
        ...headers,
        ...(onlyNew && { IfNoneMatch: '*' }),
        ...(heldUntil && { ...retention(config, heldUntil), ContentMD5: md5(bytes) }),
      });
      if (sha256 !== undefined) signWith(command, sha256);
      const { ETag } = await client.send(command, sending(bytes));
      if (ETag === undefined) throw notTaken(name);
    },
    async get(name, range) {
      const Range = range && `bytes=${range.first}-${range.last}`;
      const command = new GetObjectCommand({ Bucket, Key: name, ...customerKey, ...(Range && { Range }) });
      const most = mostBytesOf(name, range && { offset: range.first, length: range.last - range.first + 1 });
      boundAnswer(command, most, silenceMs);
      const answer = await client.send(command);
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      const { ContentRange: contentRange, ContentType: contentType } = answer;
      return { bytes, status: answer.$metadata.httpStatusCode, contentRange, contentType };
    },
    async head(name) {
      const answer = await client.headObject({ Bucket, Key: name, ...customerKey });
      const { ContentLength: size = 0, ETag, ObjectLockMode, ObjectLockRetainUntilDate: until } = answer;
      const mode = ObjectLockMode === 'COMPLIANCE' ? 'compliance' : 'governance';
      return { size, etag: ETag?.replaceAll('"', ''), held: until && { mode, until } };
    },
    list: (prefix) =>
      listObjects(Bucket, (ContinuationToken) =>
        client.listObjectsV2({
          Bucket,
          Prefix: prefix,
          EncodingType: 'url',
          ...(ContinuationToken !== undefined && { ContinuationToken }),
        }),
      ),
    async delete(name) {
      await client.deleteObject({ Bucket, Key: name });
    },
    async retain(name, until) {
      const { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate } = retention(config, until);
      await client.putObjectRetention({ Bucket, Key: name, Retention: { Mode, RetainUntilDate } });
    },
    async beginUpload(name, heldUntil) {
      const held = heldUntil && retention(config, heldUntil);
      const { UploadId } = await client.createMultipartUpload({ Bucket, Key: name, ...headers, ...held });
      if (UploadId === undefined) throw new Error('the service gave the upload no id');
      return UploadId;
    },
    async putPart({ name, id, checked }, number, bytes) {
      const part = {
        Bucket,
        Key: name,
        UploadId: id,
        PartNumber: number,
        Body: bytes,
        ContentLength: bytes.length,
        ...customerKey,
        ...(checked && { ContentMD5: md5(bytes) }),
      };
      const { ETag } = await client.uploadPart(part, sending(bytes));
      if (ETag === undefined) throw notTaken(name);
      return ETag;
    },
    async endUpload({ name, id }, parts) {
      const Parts = parts.map(({ number, tag }) => ({ PartNumber: number, ETag: tag }));
      const command = new CompleteMultipartUploadCommand({
        Bucket,
        Key: name,
        UploadId: id,
        MultipartUpload: { Parts },
        ...customerKey,
      });
      // While it puts the parts together, a service sends a space now and then, for minutes where they are many.
      boundAnswer(command, mostRefusalBytes);
      const { ETag, Key } = await client.send(command);
      if (ETag === undefined && Key === undefined) throw notTaken(name);
    },
    async lookAtUpload({ name, id }) {
      await client.listParts({ Bucket, Key: name, UploadId: id, MaxParts: 1, ...customerKey });
    },
    async abortUpload({ name, id }) {
      await client.abortMultipartUpload({ Bucket, Key: name, UploadId: id });
    },
    close: () => client.destroy(),
  };
};

/** Whatever has the status 200 is a success to the SDK; services tell the ETag of what they have stored. */
const notTaken = (name: string): HoldfastError =>
  new HoldfastError('STORE_UNREACHABLE', `${name} may not have been stored: the answer is none of S3's`, {
    hint: 'check the endpoint, and what answers there in the place of the S3 service',
  });

const clientOptions = (config: S3Config): S3ClientConfig => {
  const { endpoint, accessKeyId, secretAccessKey, sessionToken, profile } = config;
  const connections = { keepAlive: true, maxSockets: config.connections };
  const region = config.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
  return {
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(profile !== undefined && { profile }),
    ...(accessKeyId !== undefined && {
      credentials: async () => ({
        accessKeyId,
        secretAccessKey: secretAccessKey?.reveal() ?? '',
        ...(sessionToken && { sessionToken: sessionToken.reveal() }),
      }),
    }),
    forcePathStyle: config.pathStyle ?? endpoint !== undefined,
    followRegionRedirects: endpoint === undefined,
    maxAttempts: 1,
    // Older services refuse the checksums the SDK would add; the signature covers the content's SHA-256 anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // What asks before it sends waits for six seconds where the service does not know that, and takes a connection that knows nothing of `ca`.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: Math.min(config.timeoutSeconds, 30) * 1000,
      socketTimeout: config.timeoutSeconds * 1000,
      requestTimeout: mostMsToAnswer(config.timeoutSeconds * 1000),
      throwOnRequestTimeout: true,
      httpAgent: new http.Agent(connections),
      httpsAgent: new https.Agent({ ...connections, ...certificates(config.ca) }),
    },
  };
};

/** The signature covers the content by its SHA-256, which the SDK computes only when it is not there yet. */
const signWith = (command: PutObjectCommand, sha256: string): void =>
  command.middlewareStack.add(
    (next) => async (args) => {
      const request: unknown = args.request;
      if (request instanceof Object && 'headers' in request)
        Object.assign(request.headers as object, { 'x-amz-content-sha256': sha256 });
      return await next(args);
    },
    { step: 'build', name: 'knownContentSha256' },
  );

/** The SDK reads whatever comes, as long as it comes. What is said of one command stands in the place of what is said of all. */
const boundAnswer = (
  to: Pick<S3 | GetObjectCommand | CompleteMultipartUploadCommand, 'middlewareStack'>,
  mostBytes: number,
  silenceMs?: number,
): void =>
  (to.middlewareStack as S3['middlewareStack']).add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode?: number; body?: unknown } | undefined;
      const most = (response?.statusCode ?? 0) < 300 ? mostBytes : mostRefusalBytes;
      if (response?.body instanceof Readable) response.body = boundedBody(response.body, most, silenceMs);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'boundedAnswer', override: true },
  );

const encryptionHeaders = (encryption: S3Config['encryption']) => {
  if (encryption === 'AES256') return { ServerSideEncryption: 'AES256' } as const;
  if (encryption !== undefined && 'kmsKey' in encryption)
    return { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: encryption.kmsKey } as const;
  return {};
};

const customerKeyHeaders = (encryption: S3Config['encryption']) => {
  if (typeof encryption !== 'object' || !('customerKey' in encryption)) return {};
  const key = Buffer.from(encryption.customerKey.reveal(), 'base64');
  if (key.length !== 32)
    throw new HoldfastError('CONFIG_INVALID', 'the customerKey of an S3 store must be 32 bytes in base64', {
      hint: 'make one with `openssl rand -base64 32`, and keep it: without it nothing can be read',
    });
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: md5(key),
  };
};

const retention = ({ objectLock }: S3Config, until: Date) => ({
  ObjectLockMode: objectLock?.mode === 'compliance' ? ('COMPLIANCE' as const) : ('GOVERNANCE' as const),
  ObjectLockRetainUntilDate: until,
});

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');
