// The statuses of files as CSV (RFC 4180, UTF-8).
import type { MirrorFile, MirrorLedger } from '#catalog/mirrors.ts';

const header = [
  ...['job', 'store', 'path', 'status', 'size', 'checksum_type', 'checksum', 'created', 'attempts'],
  ...['first_tried', 'last_tried', 'last_ok', 'run', 'error', 'message'],
];

/** A line for each file that the jobs ever tried, in parts. */
export function* csvOfStatuses(mirrors: MirrorLedger, jobs: readonly string[]): Generator<string> {
  yield line(header);
  for (const job of jobs)
    for (const store of mirrors.stores(job))
      for (const file of mirrors.files({ job, store })) yield line([job, store, ...fields(file)]);
}

const fields = ({ path, status, copy, created, attempts, firstAt, at, okAt, run, error }: MirrorFile) => [
  ...[path, status, copy?.sizeBytes, copy?.checksumType, copy?.checksum, created, attempts],
  ...[firstAt.toISOString(), at.toISOString(), okAt?.toISOString(), run, error?.code, error?.message],
];

const line = (values: readonly (string | number | undefined)[]): string =>
  `${values.map((value) => quoted(String(value ?? ''))).join(',')}\r\n`;

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
