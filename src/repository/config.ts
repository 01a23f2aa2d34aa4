// The repository's config object: its id, its format version, and the polynomial its files are cut with.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Store } from '#stores/store.ts';
import { chunkerDegree, degreeOf, isIrreducible, randomPolynomial } from './chunker/polynomial.ts';
import { parseJson } from './parse-json.ts';
import type { Sealer } from './sealing/seal.ts';

export interface RepositoryConfig {
  readonly version: 1 | 2;
  readonly id: string;
  readonly polynomial: bigint;
}

const configFile = z.object({
  version: z.number(),
  id: z.string().regex(/^[0-9a-f]{64}$/),
  chunker_polynomial: z.string().regex(/^[0-9a-f]{1,16}$/),
});

/** Stores the config of a new repository. */
export const createConfig = async (store: Store, sealer: Sealer): Promise<RepositoryConfig> => {
  const config: RepositoryConfig = {
    version: 2,
    id: randomBytes(32).toString('hex'),
    polynomial: randomPolynomial(),
  };
  const file = { version: config.version, id: config.id, chunker_polynomial: config.polynomial.toString(16) };
  await store.put('config', sealer.seal(Buffer.from(JSON.stringify(file))));
  return config;
};

/** True when the store holds a repository. */
export const hasConfig = async (store: Store): Promise<boolean> => {
  for await (const { key } of store.list('config')) if (key === 'config') return true;
  return false;
};

/** The config as it is stored; undefined where there is no repository. */
export const readConfig = async (store: Store): Promise<Uint8Array | undefined> => {
  try {
    return await store.get('config');
  } catch (error) {
    // A place that is not there at all says so when it is listed.
    if (hasCode(error, 'OBJECT_MISSING') && !(await hasConfig(store))) return undefined;
    throw error;
  }
};

/** What a config says: `sealed`, or, where that cannot be opened, what the store has now. */
export const openConfig = async (
  store: Store,
  sealer: Sealer,
  sealed: Uint8Array,
): Promise<RepositoryConfig> => {
  const opened = sealer.tryOpen(sealed); // a second time when need be: the line may be at fault, and not the store
  const name = `the config of the repository at ${store.location}`;
  const plain = opened ?? sealer.open(await store.get('config'), name);
  const file = configFile.safeParse(parseJson(plain));
  const damaged = (why: string): HoldfastError =>
    new HoldfastError('REPOSITORY_DAMAGED', `the config of the repository at ${store.location} ${why}`);
  if (!file.success) throw damaged('is damaged');
  const { version, id } = file.data;
  if (version !== 1 && version !== 2)
    throw new HoldfastError(
      'UNSUPPORTED',
      `the repository at ${store.location} has format version ${version}`,
      {
        hint: 'this Holdfast knows versions 1 and 2 of the restic repository format',
      },
    );
  const polynomial = BigInt(`0x${file.data.chunker_polynomial}`);
  if (degreeOf(polynomial) !== chunkerDegree || !isIrreducible(polynomial))
    throw damaged(`has a chunker polynomial that is not irreducible, or not of degree ${chunkerDegree}`);
  return { version, id, polynomial };
};
