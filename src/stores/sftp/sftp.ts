// Objects as files on a server that speaks SFTP, laid out as restic's sftp backend does it.
import { z } from 'zod';
import { waitedSeconds } from '#lib/duration-schema.ts';
import { secret } from '#lib/secret-schema.ts';
import type { StoreKind } from '../store.ts';
import { formatSftpUrl, parseSftpUrl } from './sftp-url.ts';

const config = z.strictObject({
  host: z
    .string()
    .regex(/^[\w.:%][\w.:%-]*$/, 'must be the name or address of a host')
    .describe(
      'The server, as you would give it to ssh: a name, an address, or a Host of your ssh configuration.',
    ),
  path: z
    .string()
    .min(1)
    .describe(
      'The folder on the server; without a leading / it begins at the folder the server puts its user in.',
    ),
  user: z.string().min(1).optional().describe('The user there; what ssh would use when absent.'),
  port: z.number().int().min(1).max(65_535).optional().describe('The port; what ssh would use when absent.'),
  privateKey: z
    .string()
    .min(1)
    .optional()
    .describe('A file with a private key; the keys ssh would use, and its agent, when absent.'),
  passphrase: secret().optional().describe('What the private key is encrypted with.'),
  password: secret().optional().describe('The password of the user there. A key is better.'),
  knownHosts: z
    .string()
    .min(1)
    .optional()
    .describe('The file that knows the keys of servers; what ssh would use when absent.'),
  newHosts: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe(
      "'accept' trusts a server that is not yet known and remembers its key; a changed key is always refused.",
    ),
  jump: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Servers to go through, as for ssh -J: user@host:port, several separated by commas; what ssh would use when absent.',
    ),
  sshConfig: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Another configuration file of ssh than the user's own, or 'none', for which ssh is not asked at all.",
    ),
  commands: z
    .enum(['checksums', 'none'])
    .default('checksums')
    .describe(
      "What Holdfast may run on the server, where its user has a shell: 'checksums' lets sha256sum and the like read what was copied; 'none' runs nothing.",
    ),
  connections: z.number().int().min(1).max(64).default(3).describe('How many objects travel at once.'),
  timeoutSeconds: waitedSeconds(30).describe('How long the server may take to let Holdfast in.'),
});
export type SftpConfig = z.output<typeof config>;

/** `kind: sftp`: a folder on another machine, reached by SSH. It connects on first use, and again when the line broke. */
export const sftp: StoreKind<SftpConfig> = {
  name: 'sftp',
  config,
  fromUrl: (url) => config.parse(parseSftpUrl(url)),
  locationOf: formatSftpUrl,
  open: async (settings, context) => (await import('./sftp-store.ts')).openSftpStore(settings, context),
};
