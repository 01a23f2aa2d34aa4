// `backup: [sources]`: each source becomes a snapshot in each repository.
import { z } from 'zod';
import { type Names, references } from '../names.ts';

export const backup = (names: Names) =>
  z
    .strictObject({
      backup: references('source', names.sources).describe('The sources to back up.'),
      to: references('repository', names.repositories).describe(
        'The repositories that get a snapshot of each.',
      ),
    })
    .transform((job) => ({ verb: 'backup' as const, ...job }));
