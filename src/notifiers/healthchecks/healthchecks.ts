// A monitor that raises the alarm when nothing comes: the one notifier that also works when this machine is dead.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import { address } from '../address-schema.ts';
import { type HttpNotice, parseAddress, placeOf, sendHttp } from '../http.ts';
import type { Notice, NoticeEvent } from '../notice.ts';
import { noticeText } from '../notice-text.ts';
import type { NotifierKind } from '../notifier.ts';
import { reachHost } from '../reach.ts';

const config = z.strictObject({
  url: address().describe('The address to ping, as the monitor shows it. Whoever knows it can ping there.'),
  style: z
    .enum(['healthchecks', 'uptime-kuma'])
    .default('healthchecks')
    .describe('Whose pings they are: healthchecks.io (also self-hosted), or push monitors of Uptime Kuma.'),
  timeoutSeconds: z.number().int().min(1).max(300).default(15).describe('How long an answer may take.'),
});
export type HealthchecksConfig = z.output<typeof config>;

/** `kind: healthchecks`: pings for start, success, failure, and what is only to be remembered. */
export const healthchecks: NotifierKind<HealthchecksConfig> = {
  name: 'healthchecks',
  config,
  open: async ({ url, style, timeoutSeconds }) => ({
    location: style,
    watches: true,
    async send(notice, signal) {
      const address = parseAddress(url.reveal());
      const ping = style === 'healthchecks' ? healthchecksPing(notice, address) : kumaPing(notice, address);
      if (ping === undefined) return;
      const answer = await sendHttp({ ...ping, timeoutMs: timeoutSeconds * 1000 }, signal);
      if (style === 'uptime-kuma' && /"ok"\s*:\s*false/.test(answer))
        throw new HoldfastError('NOTIFIER_REFUSED', `${placeOf(address)} knows no such push monitor`, {
          hint: 'copy the push address of the monitor once more, and see that the monitor is active',
        });
    },
    reach: (signal) => reachHost(parseAddress(url.reveal()), timeoutSeconds * 1000, signal),
    [Symbol.asyncDispose]: async () => {},
  }),
};

type Ping = Omit<HttpNotice, 'timeoutMs'>;

/** https://healthchecks.io/docs/http_api/ */
const healthchecksPing = (notice: Notice, address: URL): Ping => {
  const url = new URL(address);
  const ending = endings[notice.event];
  if (ending !== '') url.pathname = `${url.pathname.replace(/\/$/, '')}/${ending}`;
  if (notice.run) url.searchParams.set('rid', runUuid(notice.run.id));
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: `${notice.title}\n\n${noticeText(notice, 20_000)}`,
  };
};

const endings: Readonly<Record<NoticeEvent, string>> = {
  start: 'start',
  success: '',
  recovery: '',
  failure: 'fail',
  partial: 'fail',
  suspicious: 'fail',
  missed: 'fail',
  trouble: 'log',
  digest: 'log',
  test: 'log',
};

/** The monitor pairs a start with its end by a UUID; ours is made from the run's id (version 8, RFC 9562). */
const runUuid = (id: string): string => {
  const hex = createHash('sha256').update(id).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** https://github.com/louislam/uptime-kuma/wiki: a push says up or down; there is no such thing as a start, or a remark. */
const kumaPing = (notice: Notice, address: URL): Ping | undefined => {
  const ending = endings[notice.event];
  if (ending === 'start' || (ending === 'log' && notice.event !== 'test')) return undefined;
  const url = new URL(address);
  url.searchParams.set('status', ending === 'fail' ? 'down' : 'up');
  url.searchParams.set('msg', notice.title.slice(0, 250).toWellFormed());
  const { startedAt, endedAt } = notice.run ?? {};
  url.searchParams.set('ping', startedAt && endedAt ? String(endedAt.getTime() - startedAt.getTime()) : '');
  return { method: 'GET', url };
};
