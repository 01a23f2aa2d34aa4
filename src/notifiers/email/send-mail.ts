// One mail over SMTP.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import nodemailer from 'nodemailer';
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import type { Notice } from '../notice.ts';
import { noticeText } from '../notice-text.ts';
import type { EmailConfig } from './email.ts';
import { noticeHtml } from './html.ts';

/** Resolves when the server has taken it for every recipient. */
export const sendMail = async (settings: EmailConfig, notice: Notice, signal: AbortSignal): Promise<void> => {
  const transport = nodemailer.createTransport(connectionOf(settings));
  try {
    const { rejected = [] } = await transport.sendMail({ ...mailOf(settings, notice), signal });
    if (rejected.length > 0)
      throw new HoldfastError('NOTIFIER_REFUSED', `the mail server refused ${rejected.join(', ')}`, {
        hint: 'see that the addresses are right, and that the server relays for this machine',
      });
  } catch (cause) {
    if (signal.aborted) throw new HoldfastError('CANCELLED', 'cancelled', { cause: signal.reason });
    throw cause instanceof HoldfastError ? cause : explained(settings, cause);
  } finally {
    transport.close();
  }
};

/** Connects and logs in, and sends nothing. */
export const tryServer = async (settings: EmailConfig, signal: AbortSignal): Promise<void> => {
  const transport = nodemailer.createTransport(connectionOf(settings));
  const cancel = (): void => transport.close();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    await transport.verify();
  } catch (cause) {
    if (signal.aborted) throw new HoldfastError('CANCELLED', 'cancelled', { cause: signal.reason });
    throw explained(settings, cause);
  } finally {
    signal.removeEventListener('abort', cancel);
    transport.close();
  }
};

const connectionOf = (settings: EmailConfig) => {
  const { smtp, user: given, password, ca, timeoutSeconds } = settings;
  const url = new URL(smtp);
  const user = given ?? decodeURIComponent(url.username);
  const tls = tlsOf(settings);
  const secure = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || (secure ? 465 : user === '' ? 25 : 587),
    secure,
    requireTLS: tls === 'required',
    ignoreTLS: tls === 'off',
    opportunisticTLS: tls === 'offered',
    tls: {
      // An unverified channel is better than an open one, and no secret goes through it.
      rejectUnauthorized: tls !== 'offered',
      ...(ca !== undefined && { ca: [...rootCertificates, readFileSync(ca, 'utf8')] }),
    },
    ...(user !== '' && password !== undefined && { auth: { user, pass: password.reveal() } }),
    connectionTimeout: timeoutSeconds * 1000,
    greetingTimeout: timeoutSeconds * 1000,
    dnsTimeout: timeoutSeconds * 1000,
    socketTimeout: timeoutSeconds * 1000,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
};

const tlsOf = ({ smtp, tls, password }: EmailConfig): 'required' | 'offered' | 'off' => {
  if (tls !== undefined) return tls;
  return password === undefined && new URL(smtp).protocol === 'smtp:' ? 'offered' : 'required';
};

const mailOf = ({ from, to, subjectPrefix }: EmailConfig, notice: Notice) => {
  const domain = notice.host.replaceAll(/[^A-Za-z0-9.-]/g, '-') || 'localhost';
  const root = notice.thread && `<holdfast.${notice.thread.id}@${domain}>`;
  const reply = root !== undefined && !notice.thread?.first ? { inReplyTo: root, references: [root] } : {};
  return {
    from,
    to: [...to],
    subject: [subjectPrefix, notice.title].filter(Boolean).join(' '),
    date: notice.at,
    messageId: root !== undefined && notice.thread?.first ? root : `<holdfast.${notice.id}@${domain}>`,
    ...reply,
    text: noticeText(notice),
    html: noticeHtml(notice),
    headers: {
      // Nobody's absence should answer it: https://www.rfc-editor.org/rfc/rfc3834
      'Auto-Submitted': 'auto-generated',
      'X-Holdfast-Event': notice.event,
      ...(notice.job !== undefined && { 'X-Holdfast-Job': notice.job }),
    },
    ...(notice.severity === 'error' && { priority: 'high' as const }),
  };
};

/** A 4xx answer is for now, a 5xx for good (RFC 5321, 4.2.1); without an answer the server was not reached. */
const explained = ({ smtp }: EmailConfig, cause: unknown): HoldfastError => {
  const { protocol, host } = new URL(smtp);
  const status = Number(cause instanceof Error && 'responseCode' in cause ? cause.responseCode : 0);
  const code = systemCode(cause);
  const message = `${protocol}//${host}: ${messageOf(cause)}`;
  if (code === 'EAUTH')
    return new HoldfastError('NOTIFIER_REFUSED', message, {
      cause,
      hint: 'see that user and password are right',
    });
  if (code === 'ETLS' || /certificate|self-signed|STARTTLS/i.test(message))
    return new HoldfastError('NOTIFIER_REFUSED', message, {
      cause,
      hint: 'give ca: a file with the certificate of the one who signed it; without a password, "tls: offered" takes any',
    });
  if (status >= 500) return new HoldfastError('NOTIFIER_REFUSED', message, { cause });
  return new HoldfastError('NOTIFIER_UNREACHABLE', message, {
    cause,
    hint: 'see that the mail server runs and can be reached from here',
  });
};
