// One line an event for the system's log: over the network as RFC 5424, or through the program that owns the local socket,
// since Node itself cannot write to a datagram socket of the file system.
import { z } from 'zod';
import { expandHome } from '#lib/home.ts';
import { feedProgram } from '../feed-program.ts';
import type { Severity } from '../notice.ts';
import type { Notifier, NotifierKind } from '../notifier.ts';
import { findProgram, reachHost } from '../reach.ts';
import { type Facility, facilities, frame, lineOf, severityNames } from './rfc5424.ts';

const config = z.strictObject({
  to: z
    .union([
      z.enum(['local', 'journald']),
      z.url({
        protocol: /^(udp|tcp|tls)$/,
        error: 'must be local, journald, or udp://, tcp:// or tls://host:port',
      }),
    ])
    .default('local')
    .describe(
      'local (by `logger`), journald (by `systemd-cat`), or a server: udp://, tcp:// or tls://host:port.',
    ),
  facility: z.enum(facilities).default('daemon').describe('The facility, for those who sort by it.'),
  tag: z
    .string()
    .regex(/^[!-~]{1,48}$/, { error: 'must be a word of at most 48 letters' })
    .default('holdfast')
    .describe('The name of the program in each line.'),
  ca: z
    .string()
    .min(1)
    .transform(expandHome)
    .optional()
    .describe('A file with certificates to trust besides the usual ones, for tls://.'),
  timeoutSeconds: z.number().int().min(1).max(300).default(10).describe('How long it may take.'),
});
export type SyslogConfig = z.output<typeof config>;

/** `kind: syslog`. */
export const syslog: NotifierKind<SyslogConfig> = {
  name: 'syslog',
  config,
  open: async (settings) =>
    settings.to === 'local' || settings.to === 'journald' ? local(settings) : remote(settings, settings.to),
};

const remote = ({ facility, tag, ca, timeoutSeconds }: SyslogConfig, to: string): Notifier => ({
  location: to,
  async send(notice, signal) {
    const { sendDatagram, sendFramed } = await import('./transport.ts');
    const url = new URL(to);
    const line = frame(notice, facility, tag);
    const limit = { timeoutMs: timeoutSeconds * 1000, signal };
    if (url.protocol === 'udp:') await sendDatagram(line, url, limit);
    else await sendFramed(line, url, { ...limit, ca });
  },
  reach: async (signal) => {
    const url = new URL(to);
    if (url.protocol !== 'udp:') await reachHost(url, timeoutSeconds * 1000, signal);
  },
  [Symbol.asyncDispose]: async () => {},
});

const local = ({ to, facility, tag, timeoutSeconds }: SyslogConfig): Notifier => ({
  location: to,
  send: (notice, signal) =>
    feedProgram(
      {
        command: to === 'journald' ? journald(tag, notice.severity) : logger(tag, facility, notice.severity),
        input: `${lineOf(notice)}\n`,
        timeoutMs: timeoutSeconds * 1000,
      },
      signal,
    ),
  reach: async () => findProgram([to === 'journald' ? 'systemd-cat' : 'logger']),
  [Symbol.asyncDispose]: async () => {},
});

const logger = (tag: string, facility: Facility, severity: Severity): string[] => [
  'logger',
  '-t',
  tag,
  '-p',
  `${facility}.${severityNames[severity]}`,
];

const journald = (tag: string, severity: Severity): string[] => [
  'systemd-cat',
  '-t',
  tag,
  '-p',
  severityNames[severity],
];
