// holdfast snapshots: what can be restored.
import { isPinned } from '#jobs/retention.ts';
import { isPartial, isSuspicious, matchingSome, originOf, tagOf } from '#jobs/snapshot-choice.ts';
import { formatBytes, formatTime, plural, shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { defineCommand } from '../command.ts';
import type { Output } from '../output.ts';
import type { Column } from '../output-format.ts';
import { filterOf, readOptions, withChosenRepository } from '../snapshot-options.ts';

export const command = defineCommand({
  description: `Lists the snapshots of a repository, oldest first; those that restic made too.
A partial snapshot is one in which items are missing, a suspicious one is too unlike those before it, a pinned one is kept
whatever the rules say; all are marked.`,
  args: [],
  options: readOptions,
  examples: [
    ['-r /backups snapshots', 'all of them'],
    ['snapshots --source shop --json', 'one JSON object a line'],
  ],
  statuses: [10, 11, 12, 14],
  async run(call) {
    const { output, options } = call;
    const read = (repository: Repository): Promise<Snapshot[]> => repository.snapshots();
    const all = await withChosenRepository(call, read, { readsIndex: false });
    const found = matchingSome(all, filterOf(options));
    if (output.json) for (const snapshot of found) await output.result(fieldsOf(snapshot), undefined);
    else if (found.length > 0) await showTable(output, found);
    const count = found.length === 0 ? 'no snapshots' : plural(found.length, 'snapshot');
    output.say({ message_type: 'summary', snapshots: found.length }, count);
    return 0;
  },
});

const showTable = async (output: Output, snapshots: readonly Snapshot[]): Promise<void> => {
  const several = new Set(snapshots.map(({ hostname }) => hostname)).size > 1;
  const columns: Column[] = [
    { title: 'ID' },
    { title: 'Time' },
    { title: 'Source' },
    { title: 'Kind' },
    { title: 'Job' },
    ...(several ? [{ title: 'Host' }] : []),
    { title: 'Size', align: 'right' },
    { title: '' },
  ];
  await output.table(
    columns,
    snapshots.map((snapshot) => rowOf(snapshot, several)),
  );
};

const rowOf = (snapshot: Snapshot, withHost: boolean): string[] => [
  shortId(snapshot.id),
  formatTime(snapshot.time),
  originOf(snapshot),
  tagOf(snapshot, 'kind') ?? '',
  tagOf(snapshot, 'job') ?? '',
  ...(withHost ? [snapshot.hostname] : []),
  snapshot.summary ? formatBytes(snapshot.summary.totalBytesProcessed) : '',
  [
    isPartial(snapshot) ? ['partial'] : [],
    isSuspicious(snapshot) ? ['suspicious'] : [],
    isPinned(snapshot) ? ['pinned'] : [],
  ]
    .flat()
    .join(', '),
];

const fieldsOf = (snapshot: Snapshot) => ({
  message_type: 'snapshot',
  id: snapshot.id,
  short_id: shortId(snapshot.id),
  time: snapshot.time,
  source: tagOf(snapshot, 'source'),
  kind: tagOf(snapshot, 'kind'),
  job: tagOf(snapshot, 'job'),
  run: tagOf(snapshot, 'run'),
  partial: isPartial(snapshot),
  suspicious: isSuspicious(snapshot),
  pinned: isPinned(snapshot),
  hostname: snapshot.hostname,
  username: snapshot.username,
  paths: snapshot.paths,
  tags: snapshot.tags,
  tree: snapshot.tree,
  parent: snapshot.parent,
  program_version: snapshot.programVersion,
  size_bytes: snapshot.summary?.totalBytesProcessed,
});
