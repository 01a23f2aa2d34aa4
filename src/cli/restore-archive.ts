// holdfast restore --archive: from a plain file instead of a repository.
import { readFileSync } from 'node:fs';
import { formatOf } from '#archive/format.ts';
import { type Config, jobNamed, loadConfig } from '#config/config.ts';
import { type ArchivePlace, findArchive, restoreArchive } from '#jobs/archive/restore.ts';
import { archiveTask } from '#jobs/archive/task.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import { schemeOf } from '#lib/kind-registry.ts';
import type { RestoreReport } from '#sources/source.ts';
import { keepsRepositoriesOnly, storeFromUrl } from '#stores/registry.ts';
import { type Call, type OptionSpecs, value } from './command.ts';
import { isPlace } from './given.ts';
import { jobContext } from './job-context.ts';
import { warnOfPasswordIn } from './password-warning.ts';
import { targetOf } from './restore-target.ts';

export const archiveOptions = {
  archive: value(
    '--archive <file>',
    'from an archive: its path or URL, <job> for the newest of that job, or <job>:<file>',
  ),
  identity: value('--identity <file>', 'the secret key of age that opens an encrypted archive'),
};

/** The options that concern an archive; what chooses parts of a snapshot is refused. */
interface Wish {
  readonly archive: string;
  readonly identity: string | undefined;
  readonly to: string;
  readonly source: string | undefined;
  readonly rename: readonly (readonly [from: string, to: string])[];
  readonly force: boolean;
}

/** Restores the archive; the caller reports. */
export const restoreFromArchive = async (call: Call<OptionSpecs>, wish: Wish): Promise<RestoreReport> => {
  const context = jobContext(call);
  const place = await placeOf(call, wish);
  return await restoreArchive(
    {
      ...place,
      target: targetOf(wish.to, /\.sql(\.|$)/i.test(place.key)),
      source: wish.source,
      identity: wish.identity === undefined ? undefined : readIdentity(wish.identity),
      rename: wish.rename,
      force: wish.force,
    },
    context,
  );
};

const placeOf = async (call: Call<OptionSpecs>, { archive, source }: Wish): Promise<ArchivePlace> => {
  const [, name = '', file] = /^([^:]+)(?::(.*))?$/s.exec(archive) ?? [];
  const config =
    isPlace(name) || schemeOf(archive)?.length === archive.length ? undefined : await configOf(call);
  const job = config?.jobs.has(name) ? jobNamed(config, name) : undefined;
  if (config && job?.verb === 'archive')
    return await findArchive(archiveTask(job, config), { file, source }, jobContext(call));
  if (config && file === undefined && formatOf(name) === undefined)
    throw new HoldfastError(
      'USAGE',
      `"${name}" is neither an archive job nor a file that ends as archives do`,
      {
        hint: archiveJobsOf(config),
      },
    );
  warnOfPasswordIn(archive, call.output);
  const end = archive.lastIndexOf('/') + 1;
  const store = storeFromUrl(end === 0 ? '.' : archive.slice(0, end));
  if (keepsRepositoriesOnly(store))
    throw new HoldfastError('USAGE', `a store of kind ${store.kind} keeps repositories and no archives`, {
      hint: 'leave --archive out to restore from a repository',
    });
  const key = archive.slice(end);
  if (source !== undefined && typeof formatOf(key)?.container === 'object')
    throw new HoldfastError('USAGE', `${key} is the dump of one database: it has no sources to choose from`, {
      hint: 'leave out --source',
    });
  return { store, key };
};

const archiveJobsOf = ({ file, jobs }: Config): string => {
  const names = [...jobs.values()].filter(({ verb }) => verb === 'archive').map(({ name }) => name);
  return names.length > 0 ? `archive jobs of ${file}: ${names.join(', ')}` : `${file} has no archive job`;
};

/** Without a configuration file, every word is a place. */
const configOf = async ({ global, env }: Call<OptionSpecs>): Promise<Config | undefined> => {
  try {
    return await loadConfig(global.config, env);
  } catch (error) {
    if (global.config !== undefined) throw error;
    return undefined;
  }
};

const readIdentity = (path: string): string => {
  try {
    return readFileSync(expandHome(path), 'utf8');
  } catch (cause) {
    throw new HoldfastError('USAGE', `cannot read the identity: ${messageOf(cause)}`, { cause });
  }
};
