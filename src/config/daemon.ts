// `daemon:` and `logs:`: how Holdfast runs by itself, and where it says what it did.
import { z } from 'zod';
import { waitedDuration } from '#lib/duration-schema.ts';
import { expandHome } from '#lib/home.ts';

export const daemonSchema = z
  .strictObject({
    atOnce: z.int().min(1).max(100).default(2).describe('How many jobs run at the same time at most.'),
    stopTimeout: waitedDuration()
      .default('1m')
      .describe(
        'How long running jobs may go on when the daemon is stopped; then they are cancelled, and run again when it is back.',
      ),
    metricsPort: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('Serve metrics for Prometheus on this port of the loopback. Default: no.'),
  })
  .prefault({});

export const logsSchema = z.strictObject({
  folder: z
    .string()
    .min(1)
    .transform(expandHome)
    .describe('A folder that gets a file of JSON lines for each day.'),
  keepDays: z.int().min(1).max(10_000).default(31).describe('For how many days they are kept.'),
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('The least that is worth a line.'),
});

export type DaemonConfig = z.output<typeof daemonSchema>;
export type LogsConfig = z.output<typeof logsSchema>;
