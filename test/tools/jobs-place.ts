// A folder with a configuration file, and what a command is told of it.
import { join } from 'node:path';
import { temporaryFolder } from './temp.ts';

/** The password, in HOLDFAST_PASSWORD, is in the environment of this process, too, where secrets are looked for. */
export const jobsPlace = (name: string) => {
  const folder = temporaryFolder(name);
  const at = (...parts: readonly string[]): string => join(folder, ...parts);
  const env = {
    PATH: process.env.PATH,
    HOLDFAST_CATALOG: at('state', 'catalog.db'),
    HOLDFAST_CONFIG: at('holdfast.yaml'),
    HOLDFAST_PASSWORD: 'secret',
  };
  process.env.HOLDFAST_PASSWORD = env.HOLDFAST_PASSWORD;
  return { at, env };
};
