// What the doctor says.
import { asError, hintOf, messageOf } from '#lib/errors.ts';
import { withoutPassword } from '#lib/secret.ts';
import type { Finding } from '#sources/source.ts';

/** One thing that was looked at, and how it is. */
export interface Diagnosis {
  /** 'error': a job cannot do its work. 'warning': it can, and something should be mended. */
  readonly level: 'ok' | 'warning' | 'error';
  /** What it is about: 'source shop', 'repository offsite', 'job nightly', 'this machine'. */
  readonly subject: string;
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

export const fine = (subject: string, message: string): Diagnosis => ({ level: 'ok', subject, message });

export const warning = (subject: string, message: string, hint?: string): Diagnosis => ({
  level: 'warning',
  subject,
  message,
  ...(hint !== undefined && { hint }),
});

/** Something thrown, as an error; `hint` where it brings none of its own. */
export const broken = (subject: string, thrown: unknown, hint?: string): Diagnosis => {
  const error = asError(thrown);
  const own = hintOf(error);
  const advice = own ?? hint;
  return {
    level: 'error',
    subject,
    message: withoutPassword(messageOf(error)),
    ...(advice !== undefined && { hint: withoutPassword(advice) }),
  };
};

export const ofFinding = (subject: string, finding: Finding): Diagnosis => ({
  level: finding.level,
  subject,
  message: `${finding.subject}: ${finding.message}`,
  ...(finding.hint !== undefined && { hint: finding.hint }),
});
