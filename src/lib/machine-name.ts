// The name under which what is stored from this machine is found again.
import { hostname } from 'node:os';
import { HoldfastError } from './errors.ts';

/** HOLDFAST_HOST, for machines whose own name does not last, such as containers; else that name. USAGE for what can be no name. */
export const machineName = (env: Readonly<Record<string, string | undefined>> = process.env): string => {
  const given = env.HOLDFAST_HOST || undefined;
  if (given === undefined || /^[^\s/\\\p{Cc}]{1,253}$/u.test(given)) return given ?? hostname();
  throw new HoldfastError('USAGE', `HOLDFAST_HOST is no name of a machine: ${JSON.stringify(given)}`, {
    hint: 'give a word without spaces and slashes',
  });
};
