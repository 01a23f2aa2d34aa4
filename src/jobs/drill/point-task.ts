// Which restore point is drilled as a whole, and what is asked of it.
import type { JobConfig } from '#config/config.ts';
import { type PointRequest, shortcoming } from '../restore-point.ts';
import type { DrillQuery } from './query.ts';

export interface PointTask {
  /** The backup job whose restore point it is. */
  readonly job: string;
  /** Absent: the newest run that stored all subjects whole. */
  readonly run?: string | undefined;
  readonly host?: string | undefined;
  /** Asked in the SQL of `holdfast query`, each source's tables with its name in front. */
  readonly across: readonly DrillQuery[];
  /** How whoever asks would name a host: '--host db1'. */
  hostHint(host: string): string;
}

/** What a drill job says; undefined where it drills sources by themselves. */
export const pointTaskOf = ({
  drill,
  across,
}: Extract<JobConfig, { readonly verb: 'drill' }>): PointTask | undefined =>
  'point' in drill
    ? { job: drill.point, host: drill.host, across, hostHint: (host) => `"host: ${host}" beside "point"` }
    : undefined;

/** For `choosePoint`: the newest whole one of these sources, or what the task names. */
export const pointRequest = (
  { job, run, host, hostHint }: PointTask,
  sources: readonly string[],
): PointRequest => ({
  ...{ job, run, host, sources },
  hints: {
    empty: `\`holdfast backup ${job}\` makes a restore point`,
    host: (newest) => `say which: ${hostHint(newest)}`,
    lacking: (point, lacks) =>
      run === undefined
        ? `the newest run, ${point?.run}, ${shortcoming(lacks)}: see \`holdfast runs --job ${job}\`, and run \`holdfast backup ${job}\``
        : `\`holdfast snapshots --job ${job}\` shows which runs have it`,
  },
});
