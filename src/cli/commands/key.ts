// holdfast key: the passwords that open a repository.
import { withRepository } from '#jobs/use-repository.ts';
import { HoldfastError } from '#lib/errors.ts';
import { formatTime, plural, shortId } from '#lib/format.ts';
import type { LockMode, Repository } from '#repository/contract.ts';
import { type Call, defineCommand, type OptionSpecs } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { newPassword, newPasswordOptions } from '../new-password.ts';
import { chooseRepository } from '../repository-choice.ts';

type KeyCall = Call<OptionSpecs & typeof newPasswordOptions>;

export const command = defineCommand({
  description: `Lists the keys of a repository, adds or removes one, or changes the password of the one in use. Each key has a
password of its own, and any of them opens everything.

A new password is read from --new-password-file, from HOLDFAST_NEW_PASSWORD, or asked for. Whoever once knew a
password may have kept what it opens: after a leak, copy the snapshots into a new repository.`,
  args: [
    { usage: '<what>', text: 'what to do', choices: ['list', 'add', 'remove', 'passwd'] },
    { usage: '[key]', text: 'the key to remove: the beginning of its id' },
  ],
  options: newPasswordOptions,
  examples: [
    ['key list', 'who can open the repository'],
    ['key add --new-password-file /root/second.key', 'a second password'],
    ['key remove 8b3c1f', 'it opens the repository no longer'],
    ['key passwd', 'another password in the place of the one in use'],
  ],
  statuses: [3, 10, 11, 12, 14],
  async run(call) {
    const [what = 'list'] = call.args;
    checkWords(call);
    const { lock, work } = actions[what as keyof typeof actions];
    const repository = await chooseRepository(call);
    return await withRepository(repository, { lock }, jobContext(call), (opened) => work(call, opened));
  },
});

const checkWords = ({ args: [what, key], options }: KeyCall): void => {
  if (what === 'remove' && key === undefined)
    throw new HoldfastError('USAGE', 'which key is not said', { hint: '`holdfast key list` shows them' });
  if (what !== 'remove' && key !== undefined)
    throw new HoldfastError('USAGE', `"key ${what}" takes no id of a key`, {
      hint: what === 'passwd' ? 'it changes the key that the present password opens' : undefined,
    });
  if (options.newPasswordFile !== undefined && what !== 'add' && what !== 'passwd')
    throw new HoldfastError('USAGE', `--new-password-file means nothing for "key ${what}"`);
};

interface Action {
  readonly lock: LockMode;
  /** Returns the exit status. */
  work(call: KeyCall, repository: Repository): Promise<number>;
}

const actions = {
  list: { lock: 'shared', work: (call, repository) => listKeys(call, repository) },
  add: {
    lock: 'shared',
    async work(call, repository) {
      const id = await repository.addKey(await newPassword(call.options.newPasswordFile, call));
      return done(call, id, `added key ${shortId(id)}`);
    },
  },
  remove: {
    lock: 'exclusive',
    async work(call, repository) {
      const [, id = ''] = call.args;
      await repository.removeKey(id);
      return done(call, id, `removed key ${id}: it opens the repository no longer`);
    },
  },
  passwd: {
    lock: 'exclusive',
    async work(call, repository) {
      const id = await repository.changePassword(await newPassword(call.options.newPasswordFile, call));
      return done(call, id, `changed the password; the key is now ${shortId(id)}`);
    },
  },
} as const satisfies Record<string, Action>;

const done = ({ output, args: [what] }: KeyCall, id: string, line: string): number => {
  output.say({ message_type: 'summary', done: what, key_id: id }, line);
  return 0;
};

const listKeys = async ({ output }: KeyCall, repository: Repository): Promise<number> => {
  let damaged = 0;
  const keys = await repository.keys(({ message }) => {
    damaged += 1;
    output.warn(`passed over: ${message}`);
  });
  if (output.json)
    for (const { id, username, hostname, created, current } of keys)
      await output.result({ message_type: 'key', id, username, hostname, created, current }, undefined);
  else
    await output.table(
      [{ title: 'ID' }, { title: 'User' }, { title: 'Host' }, { title: 'Created' }, { title: '' }],
      keys.map(({ id, username, hostname, created, current }) => [
        shortId(id),
        username,
        hostname,
        created ? formatTime(created) : '',
        current ? 'in use' : '',
      ]),
    );
  output.say({ message_type: 'summary', keys: keys.length, damaged }, plural(keys.length, 'key'));
  return damaged > 0 ? 3 : 0;
};
