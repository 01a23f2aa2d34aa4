// What every tool is asked to do: a first backup, another one, and a restore; of files here, of databases in databases.ts.
import { join } from 'node:path';
import type { Contender } from './comparison.ts';
import type { Command } from './measure.ts';
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

/** How a tool backs something up. */
export type Backup = (tool: Tool, repository: string) => Command;

/** Into a new repository. */
export const intoNew = (bench: Bench, backup: Backup): Contender[] =>
  bench.tools.map((tool) => {
    const repository = repositoryOf(bench, tool);
    return {
      name: tool.name,
      prepare: () => freshRepository(tool, repository),
      command: backup(tool, repository),
      stored: () => storedBytes(repository),
    };
  });

/** Into the repository as it is now; `storedBytes` are those added. */
export const ontoThis = (bench: Bench, backup: Backup): Contender[] =>
  bench.tools.map((tool) => {
    const repository = repositoryOf(bench, tool);
    const before = storedBytes(repository);
    keepState(repository);
    return {
      name: tool.name,
      prepare: () => restoreState(repository),
      command: backup(tool, repository),
      stored: () => storedBytes(repository) - before,
    };
  });

/** Into a new repository. */
export const firstBackup = (bench: Bench, path: string): Contender[] => intoNew(bench, backupOf(path));

/** Into a repository that has a backup already. */
export const secondBackup = async (bench: Bench, path: string): Promise<Contender[]> => {
  for (const tool of bench.tools) await repositoryWith(bench, tool, path);
  return ontoThis(bench, backupOf(path));
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

const backupOf =
  (path: string): Backup =>
  (tool, repository) =>
    tool.backup({ repository, path });

const repositoryWith = async (bench: Bench, tool: Tool, path: string): Promise<string> => {
  const repository = repositoryOf(bench, tool);
  await freshRepository(tool, repository);
  await perform(tool.backup({ repository, path }));
  return repository;
};

export const repositoryOf = (bench: Bench, tool: Tool): string =>
  join(bench.folder, `repository of ${tool.name}`);
