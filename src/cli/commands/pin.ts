// holdfast pin: keep a snapshot whatever the rules say.
import { pinTag } from '#jobs/retention.ts';
import { defineCommand } from '../command.ts';
import { changeTags } from '../snapshot-change.ts';
import { filterOptions } from '../snapshot-options.ts';

export const command = defineCommand({
  description: `Pins snapshots: no rule forgets them, until they are unpinned. A pinned snapshot has the tag "${pinTag}", and so
another id than before. With restic, \`--keep-tag ${pinTag}\` does the same.`,
  args: [{ usage: '<snapshot...>', text: 'ids, latest, or latest:<source>' }],
  options: filterOptions,
  examples: [['pin latest:shop', 'keep the newest snapshot of the shop for good']],
  statuses: [10, 11, 12, 14],
  run: (call) => changeTags(call, 'pinned', (tags) => [...tags, pinTag]),
});
