// A mail in plain text and HTML. Notices of one trouble are one conversation.
import { z } from 'zod';
import { expandHome } from '#lib/home.ts';
import { secret } from '#lib/secret-schema.ts';
import type { NotifierKind } from '../notifier.ts';

const address = z.string().regex(/^[^@\s<>]+@[^@\s<>]+$|^[^<>\r\n]*<[^@\s<>]+@[^@\s<>]+>$/, {
  error: 'must be a mail address: ops@example.org, or "Ops <ops@example.org>"',
});

const config = z
  .strictObject({
    smtp: z
      .url({ protocol: /^smtps?$/, error: 'must be smtp://host:port or smtps://host:port' })
      .refine((url) => new URL(url).password === '', {
        error: 'holds a password; write it as password: { file: … } beside it',
      })
      .describe(
        'The mail server: smtp:// (TLS by STARTTLS, port 587 or 25) or smtps:// (TLS at once, port 465).',
      ),
    from: address.describe('The sender.'),
    to: z.array(address).min(1).describe('Who gets it.'),
    user: z
      .string()
      .min(1)
      .optional()
      .describe('Who logs in; may also stand in the address: smtp://user@host.'),
    password: secret().optional().describe('The password of that user.'),
    tls: z
      .enum(['required', 'offered', 'off'])
      .optional()
      .describe(
        'required: refuse a server without TLS or with a certificate that is not valid; offered: take TLS as it comes; off: none. Default: required with a password, else offered.',
      ),
    ca: z
      .string()
      .min(1)
      .transform(expandHome)
      .optional()
      .describe('A file with certificates to trust besides the usual ones.'),
    subjectPrefix: z.string().default('[holdfast]').describe('What each subject begins with.'),
    timeoutSeconds: z
      .number()
      .int()
      .min(1)
      .max(600)
      .default(30)
      .describe('How long the server may stay silent.'),
  })
  .refine(
    ({ smtp, user, password }) =>
      password === undefined || user !== undefined || new URL(smtp).username !== '',
    {
      error: 'a password needs a user beside it',
      path: ['password'],
    },
  )
  .refine(({ tls, password }) => tls !== 'off' || password === undefined, {
    error: 'a password is not sent without TLS',
    path: ['tls'],
  })
  .refine(({ tls, smtp }) => tls !== 'off' || !/^smtps:/i.test(smtp), {
    error: 'smtps:// is TLS from the first byte: write smtp://, or leave it out',
    path: ['tls'],
  });
export type EmailConfig = z.output<typeof config>;

/** `kind: email`, by SMTP. */
export const email: NotifierKind<EmailConfig> = {
  name: 'email',
  config,
  open: async (settings) => ({
    location: placeOf(settings),
    send: async (notice, signal) => (await import('./send-mail.ts')).sendMail(settings, notice, signal),
    reach: async (signal) => (await import('./send-mail.ts')).tryServer(settings, signal),
    [Symbol.asyncDispose]: async () => {},
  }),
};

const placeOf = ({ smtp }: EmailConfig): string => {
  const { protocol, host } = new URL(smtp);
  return `${protocol}//${host}`;
};
