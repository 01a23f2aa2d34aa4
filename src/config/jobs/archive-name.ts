// What a job's template of names says beside the rest of the job: which sources can have such files, and whether each has one of its own.
import { formatOf } from '#archive/format.ts';
import { nameTemplate } from '#archive/name.ts';
import { lackOf, type Names } from '../names.ts';
import type { Flaw } from '../problems.ts';

interface ArchiveJob {
  readonly archive: readonly string[];
  readonly name: string;
  readonly site?: string | undefined;
  readonly encryptTo?: readonly string[] | undefined;
  readonly keep?: object | undefined;
}

/** Of a template that is fit by itself. */
export const nameFlaws = (job: ArchiveJob, names: Names): Flaw[] => {
  const { name, site, keep, encryptTo } = job;
  const template = nameTemplate(name);
  const flaws: Flaw[] = [];
  const complain = (message: string, ...path: (string | number)[]): void =>
    void flaws.push({ path, message });
  if (template.has('site') && (site ?? names.site) === undefined)
    complain('holds {site}, and no "site" is given', 'name');
  if (site !== undefined && !template.has('site')) complain('is for a "name" that holds {site}', 'site');
  if (keep && !template.tellsDay) complain('needs {yyyy}, {mm} and {dd} in "name"', 'keep');
  if (/\.age$/i.test(name) && encryptTo === undefined)
    complain('ends in .age, and no "encryptTo" is given', 'name');
  return [...flaws, ...formatFlaws(job, names)];
};

/** Of the ending, which says what the files are. */
const formatFlaws = ({ archive, name }: ArchiveJob, names: Names): Flaw[] => {
  const template = nameTemplate(name);
  const format = formatOf(name);
  if (format !== undefined && format.container !== 'tar') {
    const { plain } = format.container;
    if (plain !== 'sql')
      return [
        { path: ['name'], message: `ends in .${plain}, as no dump does: let it end in .sql.gz or .tar.gz` },
      ];
    return [...withoutDump(archive, names), ...sharedNames(archive, name)];
  }
  const inTar = archive.filter(
    (source) => format !== undefined || lackOf('sql', source, names) !== undefined,
  );
  if (inTar.length > 0 && template.has('database'))
    return [{ path: ['name'], message: 'holds {database}, and a tar holds all databases of a source' }];
  if (format !== undefined) return [];
  const dumped = archive.filter((source) => names.kindOf(source) !== undefined && !inTar.includes(source));
  return [...sharedNames(inTar, name), ...sharedNames(dumped, name)].slice(0, 1);
};

const withoutDump = (sources: readonly string[], names: Names): Flaw[] =>
  sources.flatMap((source, at) => {
    const lack = lackOf('sql', source, names);
    return lack === undefined
      ? []
      : [{ path: ['archive', at], message: `a "name" that ends in .sql is for ${lack}` }];
  });

/** Files of their own that would be called the same. */
const sharedNames = (sources: readonly string[], name: string): Flaw[] => {
  const template = nameTemplate(name);
  if (sources.length < 2 || template.has('source') || template.has('database')) return [];
  return [
    { path: ['name'], message: 'must hold {source}: files of several sources would be called the same' },
  ];
};
