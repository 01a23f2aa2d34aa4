// Where the catalog lies.
import { join } from 'node:path';
import { expandHome, homeFolder } from '#lib/home.ts';

/** $HOLDFAST_CATALOG, what the configuration says, or catalog.db in the state folder of the user (of the machine, for root). */
export const catalogPath = (
  configured: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string => {
  if (env.HOLDFAST_CATALOG) return expandHome(env.HOLDFAST_CATALOG);
  if (configured !== undefined) return configured;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, 'holdfast', 'catalog.db');
  if (process.getuid?.() === 0) return '/var/lib/holdfast/catalog.db';
  return join(env.HOME || homeFolder(), '.local', 'state', 'holdfast', 'catalog.db');
};
