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
  entry('init', 'make a repository', () => import('./commands/init.ts')),
  opening('backup', 'run backup jobs, or back up what is named', () => import('./commands/backup.ts')),
  entry('run', 'run any job of the configuration now', () => import('./commands/run.ts')),
  opening('snapshots', 'list the points that can be restored', () => import('./commands/snapshots.ts')),
  opening('ls', 'list what is in a snapshot', () => import('./commands/ls.ts')),
  opening('find', 'find which snapshots hold a file', () => import('./commands/find.ts')),
  opening('diff', 'show what changed between two snapshots', () => import('./commands/diff.ts')),
  opening('query', 'ask the rows of a snapshot in SQL', () => import('./commands/query.ts')),
  opening('dump', 'write one file of a snapshot to standard output', () => import('./commands/dump.ts')),
  opening(
    'restore',
    'bring a snapshot back, into a folder or a database',
    () => import('./commands/restore.ts'),
  ),
  entry('recover', 'bring back all that a run of a backup job stored', () => import('./commands/recover.ts')),
  opening('verify', 'hold snapshots against what was captured', () => import('./commands/verify.ts')),
  opening('drill', 'restore for real into a scratch place, and compare', () => import('./commands/drill.ts')),
  opening('check', 'look for damage in a repository', () => import('./commands/check.ts')),
  opening('forget', 'remove snapshots, by rules or by name', () => import('./commands/forget.ts')),
  opening('accept', 'take a suspicious run for good', () => import('./commands/accept.ts')),
  opening('prune', 'free the space of what no snapshot uses', () => import('./commands/prune.ts')),
  opening('copy', 'copy snapshots into another repository', () => import('./commands/copy.ts')),
  opening('stats', 'show how much room snapshots take', () => import('./commands/stats.ts')),
  opening('pin', 'keep a snapshot whatever the rules say', () => import('./commands/pin.ts')),
  opening('unpin', 'let the rules decide on a snapshot again', () => import('./commands/unpin.ts')),
  opening('tag', 'change the tags of a snapshot', () => import('./commands/tag.ts')),
  opening('key', 'list, add or remove passwords, or change one', () => import('./commands/key.ts')),
  opening(
    'recovery-kit',
    'write down how to get everything back',
    () => import('./commands/recovery-kit.ts'),
  ),
  opening('repair', 'make the best of a damaged repository', () => import('./commands/repair.ts')),
  entry('store', 'see whether a storage is fit for backups', () => import('./commands/store.ts')),
  opening('unlock', 'remove locks left behind in a repository', () => import('./commands/unlock.ts')),
  entry('schedule', 'show when each job runs next', () => import('./commands/schedule.ts')),
  entry('daemon', 'run jobs when they are due', () => import('./commands/daemon.ts')),
  entry('install', 'let systemd start the daemon', () => import('./commands/install.ts')),
  entry('doctor', 'see whether every job can work, and what to mend', () => import('./commands/doctor.ts')),
  entry('report', 'print the evidence of a period, for an auditor', () => import('./commands/report.ts')),
  entry('export', 'export new rows as CSV or JSON files', () => import('./commands/export.ts')),
  entry('purge', 'remove exported files that were taken away', () => import('./commands/purge.ts')),
  entry('mirror', 'copy listed files, verified one by one', () => import('./commands/mirror.ts')),
  entry('runs', 'show past runs, or all of one', () => import('./commands/runs.ts')),
  entry('status', 'show how jobs, sources and repositories stand', () => import('./commands/status.ts')),
  entry(
    'bulletin',
    'tell the console of many sites how this one stands',
    () => import('./commands/bulletin.ts'),
  ),
  entry('sites', 'show how many sites stand, in one place', () => import('./commands/sites.ts')),
  entry('order', 'have a site run some of its jobs', () => import('./commands/order.ts')),
  entry('orders', 'run the jobs that the console has ordered', () => import('./commands/orders.ts')),
  entry('metrics', 'show the same as status, for Prometheus', () => import('./commands/metrics.ts')),
  entry('notify', 'try the notifiers, or tell what is due', () => import('./commands/notify.ts')),
  entry(
    'config',
    'validate or show the configuration, or print its schema',
    () => import('./commands/config.ts'),
  ),
  entry('version', 'print the version', () => import('./commands/version.ts')),
];
