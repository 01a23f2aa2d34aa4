// holdfast status: how everything stands.
import { type Health, type HealthOptions, healthOf } from '#jobs/health/health.ts';
import { flawsOf, isWell } from '#jobs/health/judge.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand, flag, type OptionSpecs, value } from '../command.ts';
import { showPointProofs, showProofs } from '../drill-status.ts';
import { jobContext } from '../job-context.ts';
import { configIfAny } from '../repository-choice.ts';
import { answerNagios, nagiosLine, nagiosStatus } from '../status-nagios.ts';
import { showHealth } from '../status-report.ts';

const options = {
  maxAge: value('--max-age <time>', 'a good snapshot of each source may be no older than this: 26h, 2d'),
  offline: flag('--offline', 'ask no store: judge by what this machine remembers of its runs'),
  nagios: flag('--nagios', 'one line and the exit status that Nagios and its like expect'),
};

export const command = defineCommand({
  description: `Shows how everything stands: each job by its last runs; each source by the newest good snapshot that lies in each
repository, against its age; each repository by its room and growth; and the notifiers that do not work.

A run that a schedule asked for and that did not come is told although no daemon ran. Jobs of the file that never ran
are shown too. The repositories of the file are opened for it; one that cannot be opened is not well.

The exit status is 1 when anything is not well. With --nagios it is 0 OK, 1 WARNING (partial, suspicious, too little room, a
notifier that fails), 2 CRITICAL (all else), 3 UNKNOWN (it could not be found out).`,
  args: [],
  options,
  examples: [
    ['status', 'a line for each job, source and repository'],
    ['status --max-age 26h --nagios', 'for a monitor'],
  ],
  onRepository: false,
  statuses: [],
  async run(call) {
    if (call.options.nagios)
      return await answerNagios(call, async () => {
        const health = await look(call, async (found) => found);
        return { status: nagiosStatus(health), line: nagiosLine(health) };
      });
    const health = await look(call, async (found, catalog) => {
      await showHealth(call.output, found);
      await showProofs(call.output, catalog.drills.proofs(), found.at);
      await showPointProofs(call.output, catalog.points.proofs(), found.at);
      return found;
    });
    const well = isWell(health);
    const { jobs, sources } = health;
    call.output.say(
      {
        message_type: 'summary',
        well,
        jobs: jobs.length,
        not_well: jobs.filter((job) => !job.well).length,
        sources: sources.length,
        sources_not_well: sources.filter(({ state }) => state !== 'ok').length,
      },
      jobs.length === 0 ? 'no jobs' : well ? 'all is well' : unwellText(health),
    );
    return well ? 0 : 1;
  },
});

/** 'not all is well: job nightly: never ran; notifier mail does not work'; of many flaws the worst. */
const unwellText = (health: Health): string => {
  const { critical, warning } = flawsOf(health);
  const flaws = [...critical, ...warning];
  if (flaws.length === 0) return 'not all is well';
  const more = flaws.length > 3 ? `; and ${flaws.length - 3} more` : '';
  return printable(`not all is well: ${flaws.slice(0, 3).join('; ')}${more}`);
};

type StatusCall = Call<OptionSpecs & typeof options>;

const look = async <Result>(
  call: StatusCall,
  show: (health: Health, catalog: ReturnType<typeof catalogOf>) => Promise<Result>,
): Promise<Result> => {
  const config = await configIfAny(call);
  using catalog = catalogOf(config, call);
  return await show(await healthOf(config, catalog, healthOptions(call), jobContext(call)), catalog);
};

const healthOptions = ({ options: { maxAge, offline } }: StatusCall): HealthOptions => ({
  offline,
  ...(maxAge !== undefined && { maxAgeMs: ageOf(maxAge) }),
});

const ageOf = (text: string): number => {
  try {
    return durationMs(text);
  } catch (cause) {
    throw new HoldfastError('USAGE', `--max-age ${text} is no length of time`, {
      cause,
      hint: 'write it as "26h" or "2d"',
    });
  }
};
