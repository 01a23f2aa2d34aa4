// This machine's clock beside that of another.
import { type Diagnosis, fine, warning } from './diagnosis.ts';

/** Signed requests are refused by S3 when the clocks are a quarter of an hour apart. */
const refusedMs = 15 * 60_000;
const noticedMs = 60_000;

/** `before` and `after` are when the other clock was asked for and answered. */
export const clockDiagnosis = (
  subject: string,
  { before, time, after }: { readonly before: Date; readonly time: Date; readonly after: Date },
): Diagnosis => {
  // HTTP tells whole seconds, and the answer was made at some moment between the two.
  const ahead = before.getTime() - time.getTime() - 1000;
  const behind = time.getTime() - after.getTime();
  const apartMs = Math.max(ahead, behind);
  if (apartMs < noticedMs) return fine(subject, 'its clock and ours agree');
  const which = ahead > behind ? 'ahead of' : 'behind';
  const message = `our clock is ${secondsText(apartMs)} ${which} its`;
  const hint =
    'set the time of both by NTP (timedatectl set-ntp true); locks, retention and schedules go by it';
  return apartMs < refusedMs
    ? warning(subject, message, hint)
    : { ...warning(subject, message, hint), level: 'error' };
};

const secondsText = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1000)} seconds` : `${Math.round(ms / 60_000)} minutes`;
