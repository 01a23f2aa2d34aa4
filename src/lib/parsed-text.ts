// Texts of a configuration that become something else.
import { z } from 'zod';
import { messageOf } from './errors.ts';

/** A string that `parse` takes apart; what it throws is the mistake that is reported, and the text, which may hold a password, is not. */
export const parsedText = <Value>(parse: (text: string) => Value) =>
  z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.issues.push({ code: 'custom', input: undefined, message: messageOf(error) });
      return z.NEVER;
    }
  });
