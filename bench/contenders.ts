// The three things every tool is asked to do with files: a first backup, another one, and a restore.
import { join } from 'node:path';
import type { Contender } from './comparison.ts';
import {
  freshFolder,
  freshRepository,
  keepState,
  perform,
  requireSame,
  restoreState,
  storedBytes,
} from './repositories.ts';
import type { Bench } from './scenario.ts';
import type { Tool } from './tools/tool.ts';

/** Into a new repository. */
export const firstBackup = (bench: Bench, path: string): Contender[] =>
  bench.tools.map((tool) => {
    const repository = repositoryOf(bench, tool);
    return {
      name: tool.name,
      prepare: () => freshRepository(tool, repository),
      command: tool.backup({ repository, path }),
      stored: () => storedBytes(repository),
    };
  });

/** Into a repository that has a backup already; `storedBytes` are those added. */
export const secondBackup = async (bench: Bench, path: string): Promise<Contender[]> => {
  const contenders: Contender[] = [];
  for (const tool of bench.tools) {
    const repository = await repositoryWith(bench, tool, path);
    const before = storedBytes(repository);
    keepState(repository);
    contenders.push({
      name: tool.name,
      prepare: () => restoreState(repository),
      command: tool.backup({ repository, path }),
      stored: () => storedBytes(repository) - before,
    });
  }
  return contenders;
};

/** Each tool from its own repository into an empty folder. */
export const restore = async (bench: Bench, path: string): Promise<Contender[]> => {
  const contenders: Contender[] = [];
  const target = join(bench.folder, 'restored');
  for (const tool of bench.tools) {
    const repository = await repositoryWith(bench, tool, path);
    contenders.push({
      name: tool.name,
      prepare: () => void freshFolder(target),
      command: tool.restore({ repository, path: target }),
      check: () => requireSame(path, tool.restored(target, path)),
    });
  }
  return contenders;
};

const repositoryWith = async (bench: Bench, tool: Tool, path: string): Promise<string> => {
  const repository = repositoryOf(bench, tool);
  await freshRepository(tool, repository);
  await perform(tool.backup({ repository, path }));
  return repository;
};

const repositoryOf = (bench: Bench, tool: Tool): string => join(bench.folder, `repository of ${tool.name}`);
