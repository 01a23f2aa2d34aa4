// Whether the other side of a notifier is there, without telling it anything.
import { accessSync, constants, statSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, isAbsolute, join } from 'node:path';
import { HoldfastError, messageOf } from '#lib/errors.ts';

/** Connects and hangs up. NOTIFIER_UNREACHABLE when nobody answers in time. */
export const reachHost = (url: URL, timeoutMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const port = Number(url.port) || (usualPorts[url.protocol] ?? 0);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const fail = (cause: unknown): void => {
      socket.destroy();
      if (signal.aborted) reject(new HoldfastError('CANCELLED', 'cancelled', { cause: signal.reason }));
      else
        reject(
          new HoldfastError('NOTIFIER_UNREACHABLE', `${url.protocol}//${url.host}: ${messageOf(cause)}`, {
            hint: 'check its address, and that this machine may connect to it',
            cause,
          }),
        );
    };
    const socket = connect({ host, port, signal });
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer within ${timeoutMs / 1000} s`)));
    socket.on('error', fail);
    socket.on('connect', () => {
      socket.destroy();
      resolve();
    });
  });

const usualPorts: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'tcp:': 514,
  'tls:': 6514,
};

/** NOTIFIER_REFUSED when there is no such program, or it may not be run. A line for the shell can only be tried. */
export const findProgram = (command: string | readonly string[]): void => {
  if (typeof command === 'string') return;
  const [name = ''] = command;
  const folders = name.includes('/') || isAbsolute(name) ? [''] : (process.env.PATH ?? '').split(delimiter);
  if (folders.some((folder) => isProgram(folder === '' ? name : join(folder, name)))) return;
  throw new HoldfastError('NOTIFIER_REFUSED', `there is no program ${name}`, {
    hint: 'write its whole path, and make it executable for the user that runs holdfast',
  });
};

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};
