// A source as a partial backup sees it. It has another name and kind, so that nothing that looks for the source's own snapshots
// can take one of these for a complete one.
import { HoldfastError } from '#lib/errors.ts';
import { type ChangeRules, changesReaderOf } from '#sources/receiver.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { partialKind, partialName } from '../snapshot-choice.ts';

export const partialSource = (config: SourceConfig, rules: ChangeRules): SourceConfig => ({
  ...config,
  name: partialName(config.name),
  kind: partialKind(config.kind),
  open: async (context) => {
    const source = await config.open({ ...context, name: config.name });
    const reader = changesReaderOf(source);
    if (reader === undefined) {
      await source[Symbol.asyncDispose]();
      throw new HoldfastError('UNSUPPORTED', `sources of kind ${config.kind} have no partial backups`, {
        hint: 'back it up completely, more often',
      });
    }
    return {
      concurrency: 1,
      check: () => source.check(),
      dump: (previous) => reader.dumpChanges(rules, previous),
      restore: async () => {
        throw new HoldfastError('UNSUPPORTED', 'a partial snapshot is taken in by a `receive` job');
      },
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  },
});
