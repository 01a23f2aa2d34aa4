// holdfast tag: what snapshots are marked with.
import { isOriginTag } from '#jobs/snapshot-choice.ts';
import { HoldfastError } from '#lib/errors.ts';
import { type Call, defineCommand, list, type OptionSpecs } from '../command.ts';
import { changeTags } from '../snapshot-change.ts';
import { filterOptions } from '../snapshot-options.ts';

const options = {
  ...filterOptions,
  add: list('--add <tag>', 'add this tag'),
  remove: list('--remove <tag>', 'remove this tag'),
  set: list('--set <tag>', 'replace the tags by this one'),
};

/** Say where a snapshot comes from, and whether it is complete: Holdfast reads them. */
const isOwnTag = (tag: string): boolean => isOriginTag(tag) || tag === 'partial';

export const command = defineCommand({
  description: `Changes the tags of snapshots; a snapshot with other tags has another id. The tags that Holdfast gives itself
(source:, kind:, job:, run:, place:, partial) stay as they are.`,
  args: [{ usage: '<snapshot...>', text: 'ids, latest, or latest:<source>' }],
  options,
  examples: [
    ['tag latest:shop --add before-upgrade', 'one more tag'],
    ['tag 3fa8c2d1 --remove before-upgrade --add after-upgrade', 'another one'],
  ],
  statuses: [10, 11, 12, 14],
  async run(call) {
    const { add, remove, set } = checked(call.options);
    return await changeTags(call, 'tagged', (tags) =>
      set.length > 0
        ? [...tags.filter(isOwnTag), ...set]
        : [...tags.filter((tag) => !remove.includes(tag)), ...add],
    );
  },
});

const checked = (given: Call<OptionSpecs & typeof options>['options']): typeof given => {
  const { add, remove, set } = given;
  if (add.length + remove.length + set.length === 0)
    throw new HoldfastError('USAGE', 'nothing to change: give --add, --remove or --set');
  if (set.length > 0 && add.length + remove.length > 0)
    throw new HoldfastError('USAGE', '--set goes with neither --add nor --remove');
  for (const tag of [...add, ...remove, ...set]) {
    if (isOwnTag(tag))
      throw new HoldfastError('USAGE', `the tag "${tag}" is Holdfast's own`, {
        hint: 'it says where the snapshot comes from, or that it is not complete',
      });
    if (tag === '' || tag.includes(','))
      throw new HoldfastError('USAGE', `"${tag}" cannot be a tag`, {
        hint: 'a tag is not empty and holds no comma; the option may be repeated',
      });
  }
  return given;
};
