// What failed while a source was looked at, as findings like all others.
import { hasCode, hintOf, messageOf } from '#lib/errors.ts';
import type { Finding } from './source.ts';

/** What was found, or else why nothing could be. CANCELLED is thrown on. */
export const attempt = async (subject: string, look: () => Promise<Finding[]>): Promise<Finding[]> => {
  try {
    return await look();
  } catch (error) {
    if (hasCode(error, 'CANCELLED')) throw error;
    return [findingOf(subject, error)];
  }
};

export const findingOf = (subject: string, error: unknown): Finding => {
  const hint = hintOf(error);
  return { level: 'error', subject, message: messageOf(error), ...(hint !== undefined && { hint }) };
};
