// A source: reached, readable, and with a clock like ours; and, where it is drilled, able to take a trial restore.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { describingOf } from '#lib/self-description.ts';
import { queryReaderOf } from '#sources/query-reader.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import { type Source, scratchMakerOf } from '#sources/source.ts';
import type { JobContext } from '../job-context.ts';
import { clockDiagnosis } from './clock.ts';
import { broken, type Diagnosis, fine, ofFinding } from './diagnosis.ts';

/** How long a source may take to answer all questions. */
const patienceMs = 120_000;

/** What a source is found to be is told apart by what it is needed for: one that cannot be drilled may well be backed up. */
export const sourceSubject = (source: string): string => `source ${source}`;
export const askedSubject = (source: string, query: string | undefined): string =>
  query === undefined ? sourceSubject(source) : `query to ${source}`;
export const scratchSubject = (source: string): string => `drill in ${source}`;

export const diagnoseSource = (source: SourceConfig, context: JobContext): Promise<Diagnosis[]> =>
  withSource({ source, subject: sourceSubject(source.name) }, context, async (opened, subject) => {
    const findings = await opened.check();
    const described = await describe(opened, subject, context);
    const wrong = findings.map((finding) => ofFinding(subject, finding));
    return wrong.some(({ level }) => level === 'error')
      ? [...described, ...wrong]
      : [fine(subject, 'can be read'), ...described, ...wrong];
  });

/** Whether it answers, and the query is one that it takes. */
export const diagnoseAsked = (
  source: SourceConfig,
  query: string | undefined,
  context: JobContext,
): Promise<Diagnosis[]> =>
  withSource({ source, subject: askedSubject(source.name, query) }, context, async (opened, subject) => {
    const described = await describe(opened, subject, context);
    if (query === undefined) return described;
    const reader = queryReaderOf(opened);
    if (reader === undefined)
      throw new HoldfastError('UNSUPPORTED', `sources of kind ${source.kind} answer no queries`, {
        hint: 'name a source of kind postgres',
      });
    await using view = await reader.openQuery(query);
    for await (const _ of view.rows()) break;
    return [fine(subject, 'answers the query of the job'), ...described];
  });

/** Whether a drill can make its scratch place there. */
export const diagnoseScratch = (
  source: SourceConfig,
  folder: string,
  context: JobContext,
): Promise<Diagnosis[]> =>
  withSource({ source, subject: scratchSubject(source.name) }, context, async (opened, subject) => {
    const maker = scratchMakerOf(opened);
    if (maker === undefined)
      throw new HoldfastError('UNSUPPORTED', `sources of kind ${source.kind} cannot be drilled`, {
        hint: 'take it out of the drill job; `holdfast verify` reads its snapshots',
      });
    const findings = await maker.checkScratch(folder);
    if (findings.length > 0) return findings.map((finding) => ofFinding(subject, finding));
    return [fine(subject, `can be restored for a trial (${maker.scratchLocation(folder)})`)];
  });

const describe = async (source: Source, subject: string, { clock }: JobContext): Promise<Diagnosis[]> => {
  const describing = describingOf(source);
  if (describing === undefined) return [];
  const before = clock.now();
  const { software, time } = await describing.describeSelf();
  return [
    fine(subject, software.join(', ')),
    ...(time ? [clockDiagnosis(subject, { before, time, after: clock.now() })] : []),
  ];
};

/** Opens it to look at it; what is thrown is an error of the subject. */
export const withSource = async (
  { source, subject }: { readonly source: SourceConfig; readonly subject: string },
  { signal, clock, log }: JobContext,
  work: (opened: Source, subject: string) => Promise<Diagnosis[]>,
): Promise<Diagnosis[]> => {
  const late = AbortSignal.timeout(patienceMs);
  try {
    await using opened = await openSource(source, { signal: AbortSignal.any([signal, late]), clock, log });
    return await work(opened, subject);
  } catch (error) {
    throwIfCancelled(signal);
    if (!late.aborted) return [broken(subject, error)];
    return [
      broken(
        subject,
        new Error(`it did not answer within ${patienceMs / 1000} s`),
        'check the server and the network',
      ),
    ];
  }
};
