// holdfast recovery-kit: all that somebody needs who has lost everything but the repository.
import encodeQr from 'qr';
import type { RepositoryConfig } from '#config/config.ts';
import { withRepository } from '#jobs/use-repository.ts';
import { formatTime, printable, shortId } from '#lib/format.ts';
import { expandHome } from '#lib/home.ts';
import { version } from '#lib/version.ts';
import type { RepositoryKey } from '#repository/contract.ts';
import { defineCommand, flag, value } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { recoveryCommands } from '../recovery-commands.ts';
import { chooseRepository } from '../repository-choice.ts';
import { writeForOwner } from '../write-file.ts';

export const command = defineCommand({
  description: `Writes down what somebody needs who has lost everything but the repository: where it is, how to open it with stock
restic or with Holdfast, which keys open it, and a check value by which its key is recognized. Print it, and keep it
apart from the machine.

The password is not in it, unless --with-password is given: then whoever has the paper has the backups.`,
  args: [
    { usage: '[repository]', text: 'a folder, a URL, or a name of the configuration file; the same as -r' },
  ],
  options: {
    file: value('-o, --output <file>', 'write it to this text file, and a QR code as .svg beside it'),
    withPassword: flag('--with-password', 'with the password, in the text and in the QR code'),
  },
  examples: [
    ['recovery-kit offsite --output offsite-recovery.txt', 'a text and a picture, offsite-recovery.svg'],
    ['-r /backups recovery-kit | lp', 'on paper'],
  ],
  statuses: [10, 11, 12, 14, 15],
  async run(call) {
    const { args, options, output, clock } = call;
    const [place] = args;
    const global = place === undefined ? call.global : { ...call.global, repository: place };
    const repository = await chooseRepository({ ...call, global });
    const facts = await factsOf(repository, options.withPassword, jobContext(call));
    const { text, code } = kitOf(facts, clock.now());
    const named = { repository_id: facts.id, key_check: facts.keyCheck };
    if (options.file === undefined) {
      if (output.json) await output.result({ message_type: 'summary', ...named, text }, undefined);
      else await output.bytes(Buffer.from(text));
      return 0;
    }
    const file = expandHome(options.file);
    const picture = `${file.replace(/\.txt$/i, '')}.svg`;
    await writeForOwner(file, text);
    await writeForOwner(picture, encodeQr(code, 'svg'));
    output.say(
      { message_type: 'summary', ...named, file, picture },
      `wrote ${file} and ${picture}; print them, and keep them apart from this machine`,
    );
    return 0;
  },
});

interface Facts {
  readonly location: string;
  readonly id: string;
  readonly keyCheck: string;
  readonly keys: readonly RepositoryKey[];
  readonly password?: string;
}

const factsOf = (
  repository: RepositoryConfig,
  withPassword: boolean,
  context: Parameters<typeof withRepository>[2],
): Promise<Facts> =>
  withRepository(repository, { lock: 'none' }, context, async (opened) => ({
    location: opened.location,
    id: opened.id,
    keyCheck: opened.keyCheck,
    keys: await opened.keys(),
    ...(withPassword && { password: repository.password.reveal() }),
  }));

/** The text, and what the QR code in it says. */
const kitOf = (
  { location, id, keyCheck, keys, password }: Facts,
  now: Date,
): { text: string; code: string } => {
  const code = [
    `repository: ${location}`,
    `id: ${id}`,
    `key check: ${keyCheck}`,
    ...(password === undefined ? [] : [`password: ${password}`]),
    'open: restic -r REPOSITORY snapshots',
  ].join('\n');
  const text = `RECOVERY KIT                                             holdfast ${version}, ${formatTime(now).slice(0, 10)}

Repository     ${printable(location)}
Id             ${id}
Key check      ${keyCheck}
Password       ${password ?? '________________________________________ (not printed here; without it nothing can be read)'}
Keys           ${keys.map(keyLine).join('\n               ')}

To get files back on any machine, with stock restic (https://restic.net, version 0.14 or later):

  1. Install restic, and make the place above reachable: mount the disk, or set up the account of the server.
     Credentials of an S3 or Swift store or a REST server are given as restic's manual says (AWS_ACCESS_KEY_ID …,
     OS_AUTH_URL …, RESTIC_REST_USERNAME …).
  2. export RESTIC_REPOSITORY='${location.replaceAll("'", "'\\''")}'
  3. restic snapshots                              asks for the password, and lists what there is
     It must say: repository ${shortId(id)} opened.
  4. restic restore <id> --target /somewhere       brings everything of one snapshot back

${recoveryCommands}

With Holdfast, which loads databases by itself:

     holdfast -r '${location.replaceAll("'", "'\\''")}' snapshots
     holdfast -r … restore <id> --to /somewhere    or --to postgres://server/database

The key is the right one when \`holdfast recovery-kit\` prints the same key check again.

${encodeQr(code, 'ascii')}
`;
  return { text, code };
};

const keyLine = ({ id, username, hostname, created }: RepositoryKey): string =>
  `${id.slice(0, 16)}  ${printable(`${username}@${hostname}`)}${created ? `, ${formatTime(created).slice(0, 10)}` : ''}`;
