// Places as restic's users write them: 's3:https://host/bucket/prefix', 's3:s3.amazonaws.com/bucket', 's3://host/bucket/prefix'.
import { HoldfastError } from '#lib/errors.ts';

export interface S3Place {
  /** Absent for Amazon's own service. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly bucket: string;
  readonly prefix?: string | undefined;
}

const form = /^s3:(?:(https?):\/\/|\/\/)?([^/]+)\/([^/]+)(?:\/(.*))?$/i;
const amazon = /^s3(?:[.-]([a-z0-9-]+))?\.amazonaws\.com$/i;

/** The place a URL names; USAGE for what is none. */
export const parseS3Url = (url: string): S3Place => {
  const [, scheme, host, bucket, rest] = form.exec(url) ?? [];
  if (host === undefined || bucket === undefined || host.includes('@'))
    throw new HoldfastError('USAGE', 'this is not the URL of an S3 store', {
      hint: 'write s3:https://host/bucket/prefix; keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or the configuration file',
    });
  const prefix = rest?.replace(/\/+$/, '');
  const place = { bucket, ...(prefix && { prefix }) };
  const [isAmazon, region] = amazon.exec(host) ?? [];
  if (isAmazon) return { ...place, ...(region !== undefined && { region }) };
  return { ...place, endpoint: `${scheme ?? 'https'}://${host}` };
};

/** The URL of a place. */
export const formatS3Url = ({ endpoint, bucket, prefix }: Omit<S3Place, 'region'>): string =>
  `s3:${endpoint ?? 's3.amazonaws.com'}/${bucket}${prefix ? `/${prefix}` : ''}`;
