// The repository itself: its structure, and of its data as much as is asked for.
import type { CheckReport, Repository } from '#repository/contract.ts';
import type { JobContext } from './job-context.ts';

/** Needs a repository opened with an exclusive lock. `readData`: 0 structure only, 1 every byte. */
export const checkRepository = async (
  repository: Repository,
  name: string,
  readData: number,
  { signal, onEvent }: JobContext,
): Promise<CheckReport> => {
  const share =
    readData === 1 ? ' and all of its data' : ` and ${Number((readData * 100).toFixed(2))}% of its data`;
  onEvent({ type: 'started', subject: name, doing: `checking its structure${readData > 0 ? share : ''}` });
  return await repository.check({
    ...(readData > 0 && { readData }),
    signal,
    onProgress: (progress) => onEvent({ type: 'progress', subject: name, progress }),
  });
};
