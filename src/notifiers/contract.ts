// What every notifier promises, as checks that the tests run on each kind.
import assert from 'node:assert/strict';
import { hasCode } from '#lib/errors.ts';
import type { Notice } from './notice.ts';
import type { Notifier } from './notifier.ts';

export interface NotifierSubject {
  /** Opens it with an other side that works. */
  open(): Promise<Notifier>;
  /** The same when nobody is there, with this secret in its configuration where it takes any. */
  openInVain(secret: string): Promise<Notifier>;
  notice: Notice;
  /** Everything the other side has got, decoded. */
  received(): string | Promise<string>;
}

export interface NotifierCheck {
  /** The promise, as a sentence. */
  readonly name: string;
  run(subject: NotifierSubject): Promise<void>;
}

const never = new AbortController().signal;

export const notifierChecks: readonly NotifierCheck[] = [
  {
    name: 'a notice arrives with its title, whatever letters it has',
    async run({ open, notice, received }) {
      await using notifier = await open();
      await notifier.send(notice, never);
      assert.match(await received(), /Zoë/);
      assert.match(await received(), /🦭/);
    },
  },
  {
    name: 'one opened notifier tells several times',
    async run({ open, notice, received }) {
      await using notifier = await open();
      for (const title of ['first one', 'second one']) await notifier.send({ ...notice, title }, never);
      for (const title of ['first one', 'second one']) assert.ok((await received()).includes(title), title);
    },
  },
  {
    name: 'a notice that nobody takes is an error of the notifier, without its secrets',
    async run({ openInVain, notice }) {
      const secret = 'hunter2-in-vain';
      await using notifier = await openInVain(secret);
      assert.ok(!notifier.location.includes(secret), notifier.location);
      await assert.rejects(notifier.send(notice, never), (error: Error) => {
        assert.ok(hasCode(error, 'NOTIFIER_UNREACHABLE', 'NOTIFIER_REFUSED'), String(error));
        assert.ok(!`${error.message} ${error.hint ?? ''}`.includes(secret), error.message);
        return true;
      });
    },
  },
  {
    name: 'a cancelled notice ends at once',
    async run({ open, notice }) {
      await using notifier = await open();
      await assert.rejects(notifier.send(notice, AbortSignal.abort()), { code: 'CANCELLED' });
    },
  },
];
