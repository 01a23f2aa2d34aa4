// What is wrong with jobs beside one another, and beside the places of what they name.
import { z } from 'zod';
import { machineName } from '#lib/machine-name.ts';
import { mayBeSeveral } from '#sources/only-database.ts';
import { whereIn } from '#stores/apart.ts';
import type { FileValues } from './file-schema.ts';
import type { Flaw } from './problems.ts';

type Job = FileValues['jobs'][string];
type JobOf<Verb extends Job['verb']> = Extract<Job, { readonly verb: Verb }>;

/** Of a file whose parts are all right by themselves. */
export const flawsTogether = (file: FileValues): Flaw[] => [
  ...Object.entries(file.jobs).flatMap(([name, job]) =>
    flawsOf(job, file).map(({ path, message }) => ({ path: ['jobs', name, ...path], message })),
  ),
  ...unfitSite(file),
];

/** A bulletin says whose it is, and a name of a site is for something. */
const unfitSite = ({ site, bulletins, orders, jobs }: FileValues): Flaw[] => {
  if (orders !== undefined && bulletins === undefined)
    return [
      { path: ['orders'], message: 'needs "bulletins" beside it: the store that they come through, too' },
    ];
  if (bulletins !== undefined && site === undefined)
    return [{ path: ['bulletins'], message: 'needs a "site" beside it: what the console calls this one' }];
  const isUsed = bulletins !== undefined || Object.values(jobs).some(bearsSite);
  return site === undefined || isUsed
    ? []
    : [{ path: ['site'], message: 'is for "bulletins", or for a "name" of files that holds {site}' }];
};

const bearsSite = (job: Job): boolean =>
  (job.verb === 'archive' && job.site !== undefined) ||
  (job.verb === 'export' && job.fileName.includes('{site}'));

const flawsOf = (job: Job, file: FileValues): Flaw[] => [...unfitHooks(job), ...flawsOfVerb(job, file)];

const unfitHooks = (job: Job): Flaw[] =>
  job.hooks?.held === undefined || (job.verb === 'backup' && job.together)
    ? []
    : [{ path: ['hooks', 'held'], message: 'is for a backup job with "together: true"' }];

const flawsOfVerb = (job: Job, file: FileValues): Flaw[] => {
  switch (job.verb) {
    case 'backup':
      return [
        ...sameRepositories(job, file),
        ...(job.partial ? ofSeveral('a partial backup', job.backup, () => ['partial'], file) : []),
      ];
    case 'export':
      return ofSeveral('an export', job.export, (at) => ['export', at], file);
    case 'mirror':
      return ofSeveral(
        'a list of files',
        job.listedBy ? [job.listedBy.source] : [],
        () => ['listedBy', 'source'],
        file,
      );
    case 'receive':
      return [
        ...ofSeveral(
          'what is received',
          job.receive.map(({ into }) => into),
          (at) => ['receive', at],
          file,
        ),
        ...fetchedFromItself(job, file),
        ...unfitReceivers(job, file),
        ...receivedIntoItself(job, file),
        ...receivedByTurns(job, file),
      ];
    case 'replicate':
      return replicatedIntoItself(job, file);
    default:
      return [];
  }
};

/** Sources of many databases, for what is of one. */
const ofSeveral = (
  what: string,
  names: readonly string[],
  pathOf: (at: number) => Flaw['path'],
  { sources }: FileValues,
): Flaw[] =>
  names.flatMap((name, at) => {
    const { databases } = choice.safeParse(sources[name]?.config).data ?? {};
    const message = `${what} is of one database, and "${name}" may have several: give it one "database"`;
    return mayBeSeveral({ databases }) ? [{ path: pathOf(at), message }] : [];
  });

const choice = z.object({ databases: z.union([z.literal('all'), z.array(z.string())]).optional() });

const samePlace = (one: string, other: string, { repositories }: FileValues): boolean => {
  const [a, b] = [repositories[one], repositories[other]];
  return (
    one === other || (a !== undefined && b !== undefined && whereIn(a.store, b.store) === 'the same place')
  );
};

const sameRepositories = ({ to }: JobOf<'backup'>, file: FileValues): Flaw[] =>
  to.flatMap(({ repository }, at) => {
    const before = to.slice(0, at).find((one) => samePlace(one.repository, repository, file));
    return before ? [{ path: ['to', at], message: `is the same place as "${before.repository}"` }] : [];
  });

const fetchedFromItself = ({ from, fetchInto }: JobOf<'receive'>, file: FileValues): Flaw[] =>
  fetchInto && samePlace(from, fetchInto.repository, file)
    ? [{ path: ['fetchInto', 'repository'], message: `is the same place as "${from}"` }]
    : [];

/** A folder that is kept fresh is a link to what is newest, so there must be one. */
const unfitReceivers = ({ receive }: JobOf<'receive'>, { sources }: FileValues): Flaw[] =>
  receive.flatMap(({ into }, at) =>
    sources[into]?.kind === 'files' && 'paths' in sources[into].toJSON()
      ? [
          {
            path: ['receive', at],
            message: `several paths cannot be received into: give "${into}" one "path"`,
          },
        ]
      : [],
  );

/** What this machine backs up would be loaded over what it was read from. */
const receivedIntoItself = ({ receive, from }: JobOf<'receive'>, file: FileValues): Flaw[] =>
  receive.flatMap(({ source, host, into }, at) => {
    if (host !== undefined && host !== machineName()) return [];
    const [own, target] = [file.sources[source], file.sources[into]];
    if (own === undefined || JSON.stringify(own) !== JSON.stringify(target)) return [];
    const [name] =
      Object.entries(file.jobs).find(
        ([, job]) =>
          job.verb === 'backup' &&
          job.backup.includes(source) &&
          job.to.some(({ repository }) => samePlace(repository, from, file)),
      ) ?? [];
    const message = `would load "${source}" into itself, for "${name}" backs it up; where another machine does, name that as "host"`;
    return name === undefined ? [] : [{ path: ['receive', at], message }];
  });

/** Each job would load what it is for over what the other loaded, and both would call that fresh. */
const receivedByTurns = (job: JobOf<'receive'>, { jobs, sources }: FileValues): Flaw[] =>
  job.receive.flatMap(({ source, host, into }, at) => {
    const target = JSON.stringify(sources[into]);
    const [name] =
      Object.entries(jobs).find(
        ([, other]) =>
          other !== job &&
          other.verb === 'receive' &&
          other.receive.some(
            (each) =>
              (each.source !== source || each.host !== host) && JSON.stringify(sources[each.into]) === target,
          ),
      ) ?? [];
    const message = `"${name}" receives something else into the same place`;
    return name === undefined ? [] : [{ path: ['receive', at], message }];
  });

const replicatedIntoItself = ({ replicate, into }: JobOf<'replicate'>, { sources }: FileValues): Flaw[] => {
  const [source, copy] = [sources[replicate]?.location, sources[into]?.location];
  return source !== undefined && source === copy
    ? [{ path: ['into'], message: `must be another server than that of "${replicate}"` }]
    : [];
};
