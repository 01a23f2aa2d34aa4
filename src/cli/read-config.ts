// The configuration file, for commands that need one.
import { type Config, loadConfig } from '#config/config.ts';
import type { Call } from './command.ts';

/** Its warnings are shown. */
export const readConfig = async ({
  global,
  env,
  output,
}: Pick<Call, 'global' | 'env' | 'output'>): Promise<Config> => {
  const config = await loadConfig(global.config, env);
  for (const warning of config.warnings) output.warn(warning);
  return config;
};
