// The benchmark's command line.
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { Scale } from './scenario.ts';

export const usage = `npm run bench -- [options]

  --only <names>    scenarios to run, with commas between: sql, noise, files, postgres, mysql, mongodb, couchdb, mirror, distant, prune, memory
  --scale <size>    full (default; about half an hour) or quick (a few minutes, smaller inputs)
  --rounds <count>  measured runs of each command (default 5, quick 3)
  --folder <path>   where inputs and repositories lie meanwhile (default: the temporary folder)
  --json            print all measurements as one JSON object instead of tables
`;

export interface Options {
  readonly only: readonly string[] | undefined;
  readonly scale: Scale;
  readonly rounds: number;
  readonly folder: string;
  readonly json: boolean;
}

/** Undefined when help was asked for; throws on what nobody knows. */
export const readOptions = (args: readonly string[]): Options | undefined => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      scale: { type: 'string', default: 'full' },
      rounds: { type: 'string' },
      folder: { type: 'string', default: tmpdir() },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { scale, folder, json } = values;
  if (scale !== 'quick' && scale !== 'full') throw new Error(`--scale ${scale} is neither quick nor full`);
  const rounds = Number(values.rounds ?? (scale === 'quick' ? 3 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds} is no count`);
  return { only: values.only?.split(','), scale, rounds, folder, json };
};
