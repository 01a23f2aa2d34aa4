// Tells whoever wants to know. A notifier that fails never fails the work: it is remembered, and the others are told.
import { randomUUID } from 'node:crypto';
import type { Catalog } from '#catalog/catalog.ts';
import type { Delivery, Trouble } from '#catalog/notice.ts';
import { errorReport } from '#catalog/run.ts';
import { isFarAhead } from '#catalog/wrong-clock.ts';
import type { Config } from '#config/config.ts';
import { notifierNamed } from '#config/config.ts';
import type { Subscription } from '#config/notify.ts';
import type { Clock } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import { machineName } from '#lib/machine-name.ts';
import { withoutSecrets } from '#lib/secret.ts';
import { deliver } from '#notifiers/deliver.ts';
import type { Notice, NoticeEvent } from '#notifiers/notice.ts';
import { openNotifier } from '#notifiers/registry.ts';
import { type BadEvent, eventFor, type Occurrence, type Standing, severityOf, titleOf } from './rules.ts';

export interface TellContext {
  readonly config: Config;
  /** Without one nothing is folded: every trouble is told as if it were new. */
  readonly catalog: Catalog | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** How many are told at once. */
const atOnce = 4;
/** A start that cannot be told now is soon no news any more. */
const noWaits: readonly number[] = [];

/** Tells those of the subscribers who want to know, remembers who took it, and returns that. Never throws. */
export const tell = async (
  occurrence: Occurrence,
  subscriptions: readonly Subscription[],
  context: TellContext,
): Promise<Delivery[]> => {
  const standing = standingOf(occurrence, context);
  const deliveries = await tellAll(standing, subscriptions, context);
  // One that has just failed is not tried again to tell it that others failed too: without a network, all of them do.
  const failing = new Set(deliveries.flatMap(({ notifier, error }) => (error ? [notifier] : [])));
  const others = subscriptions.filter(({ to }) => !failing.has(to));
  for (const delivery of deliveries)
    await tellOfNotifier(
      delivery,
      others.filter(({ to }) => to !== delivery.notifier),
      context,
    );
  return deliveries;
};

/** A trouble that is seen, rather than told by a run: it is told as long as there is a `text` for it, and over without one. */
export const tellTrouble = async (
  {
    text,
    ...trouble
  }: Pick<Occurrence, 'subject' | 'name' | 'paragraphs'> & { readonly text: string | undefined },
  subscriptions: readonly Subscription[],
  context: TellContext,
): Promise<Delivery[]> => {
  if (text !== undefined) return await tell({ ...trouble, event: 'trouble', text }, subscriptions, context);
  if (context.catalog?.notices.trouble(trouble.subject) === undefined) return [];
  return await tell({ ...trouble, event: 'success', text: '', paragraphs: [] }, subscriptions, context);
};

/** A notifier that failed is left alone for so long before it is told again what it did not take. */
const retryMs = 15 * 60_000;

/** Tells of a trouble that is not over those who want to know, and could not be told when it was new. Never throws. */
export const tellUntold = async (
  subject: string,
  subscriptions: readonly Subscription[],
  context: TellContext,
): Promise<Delivery[]> => {
  const now = context.clock.now();
  const untold = remember(context, ({ notices }) => {
    const trouble = notices.trouble(subject);
    if (trouble === undefined) return undefined;
    const tried = new Map(notices.notifiers(now).map(({ notifier, last }) => [notifier, last]));
    const missed = subscriptions.filter(({ to }) => {
      const last = tried.get(to);
      const isRested =
        !last?.error || now.getTime() - last.at.getTime() >= retryMs || isFarAhead(last.at, now);
      return isRested && notices.lastTold(to, { trouble: trouble.id }, now) === undefined;
    });
    return { trouble, missed };
  });
  if (untold === undefined || untold.missed.length === 0) return [];
  const { trouble, missed } = untold;
  const name = subject.replace(/^job /, '');
  const event = trouble.event as BadEvent; // what `worsen` was given
  const occurrence: Occurrence = { subject, name, event, text: trouble.text, paragraphs: [] };
  return await tellAll({ occurrence, trouble, now }, missed, context);
};

/** Tells one notifier this, whatever its rules, and returns how that went. Never throws. */
export const tellOne = async (
  name: string,
  notice: Notice,
  context: TellContext,
  waitsMs?: readonly number[],
): Promise<Delivery> => {
  const begin = {
    notifier: name,
    event: notice.event,
    title: notice.title,
    ...(notice.job !== undefined && { job: notice.job }),
    ...(notice.run && { run: notice.run.id }),
    ...(notice.thread && { trouble: notice.thread.id }),
  };
  const { signal, clock, log } = context;
  let delivery: Delivery;
  try {
    await using notifier = await openNotifier(notifierNamed(context.config, name), { signal, clock, log });
    const options = { signal, clock, log, ...(waitsMs && { waitsMs }) };
    const attempts = await deliver(notifier, notice, options);
    delivery = { ...begin, at: clock.now(), attempts };
  } catch (error) {
    delivery = { ...begin, at: clock.now(), attempts: 0, error: errorReport(error) };
  }
  remember(context, (catalog) => catalog.notices.record(delivery));
  return delivery;
};

/** A notice of this machine, with every secret that was read taken out of its words. */
export const makeNotice = (notice: Omit<Notice, 'id' | 'at' | 'host' | 'severity'>, now: Date): Notice => ({
  ...notice,
  id: randomUUID(),
  at: now,
  host: machineName(),
  severity: severityOf(notice.event),
  title: withoutSecrets(notice.title).replaceAll(/\s*\n\s*/g, ' '),
  paragraphs: notice.paragraphs.map(withoutSecrets),
});

/** The occurrence beside what is remembered, which it changes: a trouble begins, goes on or ends. */
const standingOf = (occurrence: Occurrence, context: TellContext): Standing => {
  const now = context.clock.now();
  const { subject, event, text } = occurrence;
  const trouble = remember(context, ({ notices }): Trouble | undefined => {
    if (event === 'start') return undefined;
    return event === 'success' ? notices.end(subject, now) : notices.worsen(subject, event, text, now);
  });
  return { occurrence, trouble, now };
};

const tellAll = async (
  standing: Standing,
  subscriptions: readonly Subscription[],
  context: TellContext,
): Promise<Delivery[]> => {
  const deliveries: Delivery[] = [];
  await forEachLimit(await wanted(standing, subscriptions, context), atOnce, async ({ to, event, first }) => {
    const { occurrence, trouble, now } = standing;
    const { job, run, paragraphs } = occurrence;
    const notice = makeNotice(
      {
        event,
        title: titleOf(standing),
        paragraphs,
        ...(job !== undefined && { job }),
        ...(run && { run }),
        ...(trouble && { thread: { id: trouble.id, since: trouble.since, runs: trouble.runs, first } }),
      },
      now,
    );
    deliveries.push(await tellOne(to, notice, context, event === 'start' ? noWaits : undefined));
  });
  return deliveries;
};

interface Wanted {
  readonly to: string;
  readonly event: NoticeEvent;
  readonly first: boolean;
}

/** Each notifier once, though several rules may name it. */
const wanted = async (
  standing: Standing,
  subscriptions: readonly Subscription[],
  context: TellContext,
): Promise<Wanted[]> => {
  const found = new Map<string, Wanted>();
  for (const subscription of subscriptions) {
    const { to } = subscription;
    const { trouble, now } = standing;
    const told =
      trouble && remember(context, ({ notices }) => notices.lastTold(to, { trouble: trouble.id }, now));
    const event = eventFor(subscription, await watches(to, context), standing, told);
    if (event !== undefined) found.set(to, { to, event, first: told === undefined });
  }
  return [...found.values()];
};

const watches = async (name: string, { config, signal, clock, log }: TellContext): Promise<boolean> => {
  await using notifier = await openNotifier(notifierNamed(config, name), { signal, clock, log });
  return notifier.watches === true;
};

/** The others hear of a notifier that fails, once and then now and then, and when it works again. */
const tellOfNotifier = async (
  { notifier, error }: Delivery,
  others: readonly Subscription[],
  context: TellContext,
): Promise<void> => {
  const subject = `notifier ${notifier}`;
  const begin = { subject, name: subject, text: error?.message ?? '' };
  if (error === undefined && !remember(context, ({ notices }) => notices.trouble(subject))) return;
  const occurrence: Occurrence = error
    ? {
        ...begin,
        event: 'trouble',
        paragraphs: [
          `What was to be told through it was not taken: ${error.message}`,
          ...(error.hint === undefined ? [] : [error.hint]),
          `\`holdfast notify test ${notifier}\` tries it.`,
        ],
      }
    : { ...begin, event: 'success', paragraphs: [] };
  await tellAll(standingOf(occurrence, context), others, context);
};

/** A catalog that cannot be used is no reason to tell nobody. */
const remember = <Result>(
  { catalog, log }: TellContext,
  use: (catalog: Catalog) => Result,
): Result | undefined => {
  if (catalog === undefined) return undefined;
  try {
    return use(catalog);
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'the catalog cannot be used for notices');
    return undefined;
  }
};
