// holdfast unpin: let the rules decide on a snapshot again.
import { pinTag } from '#jobs/retention.ts';
import { defineCommand } from '../command.ts';
import { changeTags } from '../snapshot-change.ts';
import { filterOptions } from '../snapshot-options.ts';

export const command = defineCommand({
  description: 'Takes the pins of snapshots away: the rules decide again how long they are kept.',
  args: [{ usage: '<snapshot...>', text: 'ids, latest, or latest:<source>' }],
  options: filterOptions,
  examples: [['unpin 3fa8c2d1', 'a snapshot that was pinned']],
  statuses: [10, 11, 12, 14],
  run: (call) => changeTags(call, 'unpinned', (tags) => tags.filter((tag) => tag !== pinTag)),
});
