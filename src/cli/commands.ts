// Every command there is. Only the one that is called is loaded.
import type { Command } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  /** A few words for `holdfast --help`. */
  readonly summary: string;
  /** It opens the one repository that is named, so that its key will be needed. */
  readonly opensRepository: boolean;
  load(): Promise<Command>;
}

const entry = (name: string, summary: string, load: () => Promise<{ command: Command }>): CommandEntry => ({
  name,
  summary,
  opensRepository: false,
  load: async () => (await load()).command,
});

const opening = (...args: Parameters<typeof entry>): CommandEntry => ({
  ...entry(...args),
  opensRepository: true,
});

/** In the order of a user's first days. */
export const commands: readonly CommandEntry[] = [
  entry('init', 'make a repository', () => import('./init.ts')),
  opening('backup', 'run backup jobs, or back up what is named', () => import('./backup.ts')),
  entry('run', 'run any job of the configuration now', () => import('./run.ts')),
  opening('snapshots', 'list the points that can be restored', () => import('./snapshots.ts')),
  opening('ls', 'list what is in a snapshot', () => import('./ls.ts')),
  opening('find', 'find which snapshots hold a file', () => import('./find.ts')),
  opening('diff', 'show what changed between two snapshots', () => import('./diff.ts')),
  opening('query', 'ask the rows of a snapshot in SQL', () => import('./query.ts')),
  opening('dump', 'write one file of a snapshot to standard output', () => import('./dump.ts')),
  opening('restore', 'bring a snapshot back, into a folder or a database', () => import('./restore.ts')),
  entry('recover', 'bring back all that a run of a backup job stored', () => import('./recover.ts')),
  opening('verify', 'hold snapshots against what was captured', () => import('./verify.ts')),
  opening('drill', 'restore for real into a scratch place, and compare', () => import('./drill.ts')),
  opening('check', 'look for damage in a repository', () => import('./check.ts')),
  opening('forget', 'remove snapshots, by rules or by name', () => import('./forget.ts')),
  opening('accept', 'take a suspicious run for good', () => import('./accept.ts')),
  opening('prune', 'free the space of what no snapshot uses', () => import('./prune.ts')),
  opening('copy', 'copy snapshots into another repository', () => import('./copy.ts')),
  opening('stats', 'show how much room snapshots take', () => import('./stats.ts')),
  opening('pin', 'keep a snapshot whatever the rules say', () => import('./pin.ts')),
  opening('unpin', 'let the rules decide on a snapshot again', () => import('./unpin.ts')),
  opening('tag', 'change the tags of a snapshot', () => import('./tag.ts')),
  opening('key', 'list, add or remove passwords, or change one', () => import('./key.ts')),
  opening('recovery-kit', 'write down how to get everything back', () => import('./recovery-kit.ts')),
  opening('repair', 'make the best of a damaged repository', () => import('./repair.ts')),
  entry('store', 'see whether a storage is fit for backups', () => import('./store.ts')),
  opening('unlock', 'remove locks left behind in a repository', () => import('./unlock.ts')),
  entry('schedule', 'show when each job runs next', () => import('./schedule.ts')),
  entry('daemon', 'run jobs when they are due', () => import('./daemon.ts')),
  entry('install', 'let systemd start the daemon', () => import('./install.ts')),
  entry('doctor', 'see whether every job can work, and what to mend', () => import('./doctor.ts')),
  entry('report', 'print the evidence of a period, for an auditor', () => import('./report.ts')),
  entry('export', 'export new rows as CSV or JSON files', () => import('./export.ts')),
  entry('purge', 'remove exported files that were taken away', () => import('./purge.ts')),
  entry('mirror', 'copy listed files, verified one by one', () => import('./mirror.ts')),
  entry('runs', 'show past runs, or all of one', () => import('./runs.ts')),
  entry('status', 'show how jobs, sources and repositories stand', () => import('./status.ts')),
  entry('bulletin', 'tell the console of many sites how this one stands', () => import('./bulletin.ts')),
  entry('sites', 'show how many sites stand, in one place', () => import('./sites.ts')),
  entry('order', 'have a site run some of its jobs', () => import('./order.ts')),
  entry('orders', 'run the jobs that the console has ordered', () => import('./orders.ts')),
  entry('metrics', 'show the same as status, for Prometheus', () => import('./metrics.ts')),
  entry('notify', 'try the notifiers, or tell what is due', () => import('./notify.ts')),
  entry('config', 'validate or show the configuration, or print its schema', () => import('./config.ts')),
  entry('version', 'print the version', () => import('./version.ts')),
];
