// What plugs log, as lines for the person at the command line: warnings always, the rest with -v and in the log of the run.
import { type Log, openLog } from '#lib/log.ts';
import type { Output } from './output.ts';

/** A log that ends in the command's output. */
export const logTo = (output: Output): Log =>
  openLog(output.verbosity === 'verbose' ? 'debug' : 'info', {
    write: (line) => show(JSON.parse(line), output),
  });

const show = ({ level, time, msg, ...fields }: Record<string, unknown>, output: Output): void => {
  const details = Object.entries(fields).map(
    ([key, field]) => `${key}=${typeof field === 'string' ? field : JSON.stringify(field)}`,
  );
  const text = [String(msg ?? ''), ...details].filter((part) => part !== '').join(' ');
  if (Number(level) >= warnLevel) output.warn(text);
  else output.detail({ message_type: 'log', time, message: msg, ...fields }, text);
};

/** Pino's number for «warn». */
const warnLevel = 40;
