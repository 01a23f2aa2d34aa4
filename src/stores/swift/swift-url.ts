// Places as restic's users write them: 'swift:container:/prefix'.
import { HoldfastError } from '#lib/errors.ts';

export interface SwiftPlace {
  readonly container: string;
  readonly prefix?: string | undefined;
}

/** The place a URL names; USAGE for what is none. */
export const parseSwiftUrl = (url: string): SwiftPlace => {
  const [, container, path] = /^swift:([^:/]+)(?::\/?(.*))?$/i.exec(url) ?? [];
  if (container === undefined)
    throw new HoldfastError('USAGE', `"${url}" is not the URL of a Swift store`, {
      hint: 'write swift:container:/prefix; who to log in as comes from the environment (OS_…, ST_…) or the configuration file',
    });
  const prefix = path?.replaceAll(/^\/+|\/+$/g, '');
  return { container, ...(prefix && { prefix }) };
};

/** The URL of a place. */
export const formatSwiftUrl = ({ container, prefix }: SwiftPlace): string =>
  `swift:${container}:/${prefix ?? ''}`;
