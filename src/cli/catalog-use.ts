// The catalog, for commands that write to it or read it.
import { type Catalog, openCatalog } from '#catalog/catalog.ts';
import { catalogPath } from '#catalog/catalog-path.ts';
import type { Config } from '#config/config.ts';
import { hintOf, messageOf } from '#lib/errors.ts';
import type { Call } from './command.ts';

type Caller = Pick<Call, 'env' | 'output'>;

/** The catalog of this configuration, or of the user without one. */
export const catalogOf = (config: Config | undefined, { env, output }: Caller): Catalog =>
  openCatalog(catalogPath(config?.catalog, env), { warn: (text) => output.warn(text) });

/** The same for work that goes on without it: what is wrong is a warning. */
export const catalogIfAny = (config: Config | undefined, caller: Caller): Catalog | undefined => {
  try {
    return catalogOf(config, caller);
  } catch (error) {
    const hint = hintOf(error);
    caller.output.warn(`${messageOf(error)}; this run will not be remembered`, hint);
    return undefined;
  }
};
