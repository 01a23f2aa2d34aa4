// A notice as an HTTP POST: Holdfast's own JSON, or what a chat or push service expects.
import { z } from 'zod';
import { secret } from '#lib/secret-schema.ts';
import { address } from '../address-schema.ts';
import { parseAddress, sendHttp } from '../http.ts';
import type { NotifierKind } from '../notifier.ts';
import { reachHost } from '../reach.ts';
import { formats, requestFor } from './formats.ts';

const config = z.strictObject({
  url: address().describe('Where to post it. An address with a key in it is better kept in a file.'),
  format: z
    .enum(formats)
    .default('json')
    .describe('What the other side expects: Holdfast’s own JSON, or that of a service.'),
  token: secret()
    .optional()
    .describe('A token that goes with it: as "Authorization: Bearer", or as the service wants it.'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, { error: 'must be the name of a header' }), secret())
    .default({})
    .describe('Further headers.'),
  timeoutSeconds: z.number().int().min(1).max(300).default(15).describe('How long an answer may take.'),
});
export type WebhookConfig = z.output<typeof config>;

/** `kind: webhook`. What is unreachable or answers 429 or 5xx is tried again; redirects to other hosts are refused. */
export const webhook: NotifierKind<WebhookConfig> = {
  name: 'webhook',
  config,
  open: async ({ url, format, token, headers, timeoutSeconds }) => ({
    location: `webhook (${format})`,
    async send(notice, signal) {
      const request = requestFor(format, notice, parseAddress(url.reveal()), token?.reveal());
      const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.reveal()]);
      await sendHttp(
        {
          method: 'POST',
          url: request.url,
          headers: { 'content-type': 'application/json', ...request.headers, ...Object.fromEntries(own) },
          body: JSON.stringify(request.body),
          timeoutMs: timeoutSeconds * 1000,
        },
        signal,
      );
    },
    reach: (signal) => reachHost(parseAddress(url.reveal()), timeoutSeconds * 1000, signal),
    [Symbol.asyncDispose]: async () => {},
  }),
};
