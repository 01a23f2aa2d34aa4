// A job that reads what it stored itself.
import { resolve } from 'node:path';
import { z } from 'zod';
import { type Config, type JobConfig, repositoryNamed, sourceNamed } from '#config/config.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { whereIn } from '#stores/apart.ts';
import { type Diagnosis, warning } from './diagnosis.ts';
import { needsOf } from './job.ts';

/** Each run would find more to read than the one before. */
export const diagnoseOwnStores = (job: JobConfig, config: Config): Diagnosis[] => {
  const { sources, repositories, stores } = needsOf(job);
  const kept = [...repositories.map((name) => repositoryNamed(config, name).store), ...stores];
  return sources.flatMap((name) => {
    const folders = foldersRead(sourceNamed(config, name));
    const within = kept.filter((store) => folders.some((folder) => whereIn(store, { location: folder })));
    return within.map(({ location }) =>
      warning(
        `job ${job.name}`,
        `${location} lies in ${name}, so that each run reads what the others stored`,
        `\`exclude\` it from ${name}, or store elsewhere`,
      ),
    );
  });
};

const foldersRead = ({ kind, config }: SourceConfig): string[] => {
  const { path, paths = [] } = (kind === 'files' ? readWhole.safeParse(config).data : undefined) ?? {};
  return [...(path === undefined ? [] : [path]), ...paths].map((folder) => resolve(folder));
};

/** What is left out by any pattern may be just that. */
const readWhole = z.object({
  path: z.string().optional(),
  paths: z.array(z.string()).optional(),
  exclude: z.tuple([]),
  iexclude: z.tuple([]),
  excludeFile: z.tuple([]),
  iexcludeFile: z.tuple([]),
  excludeIfPresent: z.tuple([]),
});
