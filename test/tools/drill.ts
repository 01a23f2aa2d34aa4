// For tests of drills: a configuration with its catalog, snapshots that were tampered with, and restores that lose something.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog } from '../../src/catalog/catalog.ts';
import type { Drill } from '../../src/catalog/drill.ts';
import { holdfast, type Outcome } from '../../src/cli/testing.ts';
import { type Config, loadConfig, repositoryNamed, sourceNamed } from '../../src/config/config.ts';
import { type DrillRun, runDrill } from '../../src/jobs/drill/drill.ts';
import { rememberingContext } from '../../src/jobs/testing.ts';
import { withRepository } from '../../src/jobs/use-repository.ts';
import type { SourceConfig } from '../../src/sources/registry.ts';
import {
  type Entry,
  type ScratchMaker,
  type ScratchRequest,
  type Source,
  scratchMakerOf,
} from '../../src/sources/source.ts';
import { makeRepository } from './repository.ts';

export interface DrillSite {
  readonly folder: string;
  readonly scratch: string;
  at(...parts: string[]): string;
  run(...words: string[]): Promise<Outcome>;
  config(): Promise<Config>;
  /** All drills, the oldest first. */
  drills(): Drill[];
}

/** An empty repository `here`, a catalog, and sources and jobs as the YAML says. */
export const drillSite = async (folder: string, yaml: string): Promise<DrillSite> => {
  const site = siteAt(folder);
  writeFileSync(site.at('password'), 'secret', { mode: 0o600 });
  const repository = `{ store: ${site.at('repository')}, password: { file: ${site.at('password')} } }`;
  const head = `repositories: { here: ${repository} }\ncatalog: ${site.at('catalog.db')}\n`;
  writeFileSync(site.at('holdfast.yaml'), head + yaml, { mode: 0o600 });
  await makeRepository(site.at('repository'));
  return site;
};

/** The one that lies in that folder. */
export const siteAt = (folder: string): DrillSite => {
  const at = (...parts: string[]): string => join(folder, ...parts);
  const file = at('holdfast.yaml');
  const run = (...words: string[]): Promise<Outcome> => holdfast(words, { env: { HOLDFAST_CONFIG: file } });
  return {
    folder,
    scratch: at('scratch'),
    at,
    run,
    config: () => loadConfig(file, {}),
    drills() {
      using catalog = openCatalog(at('catalog.db'), { warn: unexpected });
      return catalog.drills.list({});
    },
  };
};

const unexpected = (text: string): never => {
  throw new Error(text);
};

/** Drills the newest snapshot of a source; `spoil` is called when the scratch place has been restored. */
export const drillWith = async (
  site: DrillSite,
  source: string,
  spoil: (request: ScratchRequest) => Promise<void> | void,
): Promise<DrillRun> => {
  const config = await site.config();
  using catalog = openCatalog(site.at('catalog.db'), { warn: unexpected });
  return await runDrill(
    {
      repository: repositoryNamed(config, 'here'),
      folder: site.scratch,
      subjects: [{ source, into: spoiled(sourceNamed(config, source), spoil), queries: [] }],
    },
    { ...rememberingContext(), catalog },
  );
};

const spoiled = (
  config: SourceConfig,
  spoil: (request: ScratchRequest) => Promise<void> | void,
): SourceConfig => ({
  ...config,
  open: async (context) => {
    const source = await config.open(context);
    const maker = scratchMakerOf(source);
    if (maker === undefined) throw new Error(`${config.kind} makes no scratch places`);
    const spoiling: Source & ScratchMaker = {
      ...maker,
      openScratch: async (request) => {
        const place = await maker.openScratch(request);
        return {
          ...place,
          restore: async (...args) => {
            const report = await place.restore(...args);
            await spoil(request);
            return report;
          },
        };
      },
    };
    return spoiling;
  },
});

/** Writes the newest snapshot of a source once more, with its files changed: as text, by path relative to the source. */
export const tamper = async (
  site: DrillSite,
  source: string,
  change: (path: string, text: string) => string,
): Promise<void> => {
  const repository = repositoryNamed(await site.config(), 'here');
  const context = rememberingContext();
  await withRepository(repository, { lock: 'shared' }, context, async (opened) => {
    const snapshots = await opened.snapshots();
    const last = snapshots.findLast(({ tags }) => tags.includes(`source:${source}`));
    if (last === undefined) throw new Error(`no snapshot of ${source}`);
    async function* changed(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
      for await (const entry of entries) {
        if (entry.type !== 'file' || !entry.content) {
          yield entry;
          continue;
        }
        const chunks: Buffer[] = [];
        for await (const chunk of entry.content()) chunks.push(Buffer.from(chunk));
        const bytes = Buffer.from(change(entry.path, Buffer.concat(chunks).toString()));
        yield { ...entry, meta: { ...entry.meta, size: bytes.length }, content: () => [bytes] };
      }
    }
    await opened.write(changed(opened.read(last, { root: source })), {
      ...{ root: source, tags: last.tags, time: new Date(), concurrency: 1, signal: context.signal },
    });
  });
};
