// Who watches over many sites is told which of them are not well, as jobs tell of themselves.
import type { Delivery } from '#catalog/notice.ts';
import type { ConsoleConfig } from '#config/console.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { messageOf } from '#lib/errors.ts';
import { type TellContext, tellTrouble } from '../notify/notify.ts';
import { lookAtSites, type Site } from './sites.ts';

/** A store that is away is asked again when this is due the next time. */
const storeOptions = { patienceMs: 30_000 };
/** Of so many flaws a notice tells. */
const mostTold = 20;

/** Tells whom the console tells of sites that are not well, and of those that are again. */
export const tellOfSites = async (context: TellContext): Promise<Delivery[]> => {
  const { console } = context.config;
  const subscriptions = console?.notify;
  if (console === undefined || subscriptions === undefined) return [];
  const told: Delivery[] = [];
  const tell = async (subject: string, text: string | undefined, paragraphs: readonly string[]) => {
    const trouble = { subject, name: subject, text, paragraphs };
    told.push(...(await tellTrouble(trouble, subscriptions, context)));
  };
  const found = await look(console, context);
  if (typeof found === 'string')
    await tell(everySite, found, ['See whether `holdfast sites` can look at them.']);
  else {
    await tell(everySite, undefined, []);
    for (const { site, flaws } of found)
      await tell(siteSubject(site), flaws[0], [
        ...flaws.slice(1, mostTold),
        `\`holdfast sites ${site}\` shows all that it told.`,
      ]);
  }
  return told;
};

/** Of what a site that is not well is the trouble. */
export const siteSubject = (site: string): string => `site ${site}`;

const everySite = 'the console of the sites';

/** The sites, or why they cannot be looked at. */
const look = async (console: ConsoleConfig, context: TellContext): Promise<readonly Site[] | string> => {
  try {
    const { catalog } = context;
    return (await lookAtSites(console, { only: undefined, catalog }, { ...context, storeOptions })).sites;
  } catch (error) {
    throwIfCancelled(context.signal);
    return messageOf(error);
  }
};
