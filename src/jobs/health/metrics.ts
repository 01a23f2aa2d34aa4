// The health as Prometheus reads it: https://prometheus.io/docs/instrumenting/exposition_formats/
import { version } from '#lib/version.ts';
import type { Health } from './health.ts';

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** The whole page. Every time is in seconds since 1970, every size in bytes. */
export const formatMetrics = (health: Health): string =>
  metricsOf(health)
    .filter(({ samples }) => samples.length > 0)
    .map(formatMetric)
    .join('');

const metricsOf = (health: Health): Metric[] => [
  { name: 'info', help: 'The version of Holdfast.', samples: [{ labels: { version }, value: 1 }] },
  {
    name: 'checked_seconds',
    help: 'When the stores were looked at.',
    samples: [{ value: seconds(health.at) }],
  },
  ...jobMetrics(health),
  ...sourceMetrics(health),
  ...repositoryMetrics(health),
  ...receiverMetrics(health),
  {
    name: 'notifier_working',
    help: '1 when the notifier took the last notice.',
    samples: health.notifiers.map(({ notifier, last }) => ({
      labels: { notifier },
      value: flag(!last.error),
    })),
  },
  {
    name: 'trouble_since_seconds',
    help: 'Since when something is not well.',
    samples: health.troubles.map(({ subject, event, since }) => ({
      labels: { subject, event },
      value: seconds(since),
    })),
  },
];

const jobMetrics = ({ jobs }: Health): Metric[] => [
  {
    name: 'job_well',
    help: '1 when the last run of the job succeeded and none was missed.',
    samples: jobs.map(({ job, well }) => ({ labels: { job }, value: flag(well) })),
  },
  {
    name: 'job_last_run_seconds',
    help: 'When the last run of the job began.',
    samples: jobs.flatMap(({ job, last }) =>
      last ? [{ labels: { job, state: last.state }, value: seconds(last.startedAt) }] : [],
    ),
  },
  {
    name: 'job_last_run_duration_seconds',
    help: 'How long the last run of the job took.',
    samples: jobs.flatMap(({ job, last }) =>
      last && 'endedAt' in last
        ? [{ labels: { job }, value: (last.endedAt.getTime() - last.startedAt.getTime()) / 1000 }]
        : [],
    ),
  },
  {
    name: 'job_last_run_items_failed',
    help: 'How many items failed in the last run of the job.',
    samples: jobs.flatMap(({ job, last }) =>
      last && 'itemsFailed' in last ? [{ labels: { job }, value: last.itemsFailed }] : [],
    ),
  },
  {
    name: 'job_last_success_seconds',
    help: 'When the last run of the job that succeeded began.',
    samples: jobs.flatMap(({ job, lastSuccess }) =>
      lastSuccess ? [{ labels: { job }, value: seconds(lastSuccess.startedAt) }] : [],
    ),
  },
  {
    name: 'job_missed_seconds',
    help: 'When a run of the job should have begun, and did not.',
    samples: jobs.flatMap(({ job, missed }) => (missed ? [{ labels: { job }, value: seconds(missed) }] : [])),
  },
];

const sourceMetrics = ({ sources }: Health): Metric[] => [
  {
    name: 'source_well',
    help: '1 when the newest snapshot of the source is good and young enough.',
    samples: sources.map(({ job, source, repository, state }) => ({
      labels: { job, source, repository, state },
      value: flag(state === 'ok'),
    })),
  },
  {
    name: 'source_last_good_seconds',
    help: 'When the newest good snapshot of the source was made, as the repository has it.',
    samples: sources.flatMap(({ job, source, repository, good }) =>
      good ? [{ labels: { job, source, repository }, value: seconds(good.time) }] : [],
    ),
  },
  {
    name: 'source_last_good_bytes',
    help: 'The size of the newest good snapshot of the source.',
    samples: sources.flatMap(({ job, source, repository, good }) =>
      good ? [{ labels: { job, source, repository }, value: good.bytes }] : [],
    ),
  },
];

const repositoryMetrics = ({ repositories }: Health): Metric[] => {
  const of = (read: (one: Health['repositories'][number]) => number | undefined): Sample[] =>
    repositories.flatMap((one) => {
      const value = read(one);
      return value === undefined ? [] : [{ labels: { repository: one.repository }, value }];
    });
  return [
    {
      name: 'repository_reachable',
      help: '1 when the repository could be looked at.',
      samples: of(({ error }) => flag(error === undefined)),
    },
    {
      name: 'repository_snapshots',
      help: 'How many snapshots there are.',
      samples: of((one) => one.snapshots),
    },
    {
      name: 'repository_free_bytes',
      help: 'The room left on its file system.',
      samples: of((one) => one.space?.freeBytes),
    },
    {
      name: 'repository_growth_bytes_per_day',
      help: 'What the snapshots that are there have added a day, lately.',
      samples: of((one) => one.bytesPerDay),
    },
    {
      name: 'repository_days_left',
      help: 'For how many days the room will do at that rate.',
      samples: of((one) => one.daysLeft),
    },
  ];
};

const receiverMetrics = ({ receivers }: Health): Metric[] => {
  const of = (read: (one: Health['receivers'][number]) => number | undefined): Sample[] =>
    receivers.flatMap((one) => {
      const { job, source, into: receiver } = one;
      const value = read(one);
      return value === undefined ? [] : [{ labels: { job, source, receiver }, value }];
    });
  return [
    {
      name: 'receiver_well',
      help: '1 when the receiver has something, is near enough, and took in what came last.',
      samples: of(({ well }) => flag(well)),
    },
    {
      name: 'receiver_taken_seconds',
      help: 'When the sender was as the receiver is now.',
      samples: of(({ takenAt }) => takenAt && seconds(takenAt)),
    },
    {
      name: 'receiver_max_lag_seconds',
      help: 'How far behind the receiver may be.',
      samples: of(({ maxLagMs }) => maxLagMs && maxLagMs / 1000),
    },
    {
      name: 'receiver_failing_since_seconds',
      help: 'Since when each run fails for the receiver, and with what code the last one did.',
      samples: receivers.flatMap(({ job, source, into: receiver, failure }) =>
        failure
          ? [{ labels: { job, source, receiver, code: failure.error.code }, value: seconds(failure.since) }]
          : [],
      ),
    },
  ];
};

const flag = (is: boolean): number => (is ? 1 : 0);

const seconds = (time: Date): number => time.getTime() / 1000;

const formatMetric = ({ name, help, samples }: Metric): string => {
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `holdfast_${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
  });
  return `# HELP holdfast_${name} ${help}\n# TYPE holdfast_${name} gauge\n${lines.join('\n')}\n`;
};

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
