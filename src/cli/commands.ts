// Every command there is. Only the one that is called is loaded.
import type { Command } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  /** A few words for `holdfast --help`. */
  readonly summary: string;
  load(): Promise<Command>;
}

const entry = (name: string, summary: string, load: () => Promise<{ command: Command }>): CommandEntry => ({
  name,
  summary,
  load: async () => (await load()).command,
});

/** In the order of a user's first days. */
export const commands: readonly CommandEntry[] = [
  entry('init', 'make a repository', () => import('./init.ts')),
  entry('backup', 'run backup jobs, or back up what is named', () => import('./backup.ts')),
  entry('run', 'run any job of the configuration now', () => import('./run.ts')),
  entry('snapshots', 'list the points that can be restored', () => import('./snapshots.ts')),
  entry('ls', 'list what is in a snapshot', () => import('./ls.ts')),
  entry('find', 'find which snapshots hold a file', () => import('./find.ts')),
  entry('diff', 'show what changed between two snapshots', () => import('./diff.ts')),
  entry('dump', 'write one file of a snapshot to standard output', () => import('./dump.ts')),
  entry('restore', 'bring a snapshot back, into a folder or a database', () => import('./restore.ts')),
  entry('verify', 'hold snapshots against what was captured', () => import('./verify.ts')),
  entry('drill', 'restore for real into a scratch place, and compare', () => import('./drill.ts')),
  entry('check', 'look for damage in a repository', () => import('./check.ts')),
  entry('forget', 'remove snapshots, by rules or by name', () => import('./forget.ts')),
  entry('accept', 'take a suspicious run for good', () => import('./accept.ts')),
  entry('prune', 'free the space of what no snapshot uses', () => import('./prune.ts')),
  entry('copy', 'copy snapshots into another repository', () => import('./copy.ts')),
  entry('stats', 'show how much room snapshots take', () => import('./stats.ts')),
  entry('pin', 'keep a snapshot whatever the rules say', () => import('./pin.ts')),
  entry('unpin', 'let the rules decide on a snapshot again', () => import('./unpin.ts')),
  entry('tag', 'change the tags of a snapshot', () => import('./tag.ts')),
  entry('key', 'list, add or remove passwords, or change one', () => import('./key.ts')),
  entry('recovery-kit', 'write down how to get everything back', () => import('./recovery-kit.ts')),
  entry('repair', 'make the best of a damaged repository', () => import('./repair.ts')),
  entry('store', 'see whether a storage is fit for backups', () => import('./store.ts')),
  entry('unlock', 'remove locks left behind in a repository', () => import('./unlock.ts')),
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
  entry('metrics', 'show the same as status, for Prometheus', () => import('./metrics.ts')),
  entry('notify', 'try the notifiers, or tell what is due', () => import('./notify.ts')),
  entry('config', 'validate or show the configuration, or print its schema', () => import('./config.ts')),
  entry('version', 'print the version', () => import('./version.ts')),
];
