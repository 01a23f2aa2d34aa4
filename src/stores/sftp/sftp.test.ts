import { silentLog } from '#lib/log.ts';
import { type SshServer, skipWithoutSshd, startSshd } from '../../../test/servers/sshd.ts';
import { storeContract } from '../testing.ts';
import { sftp } from './sftp.ts';
import { openSftpStore } from './sftp-store.ts';

let server: SshServer;

const open = async (over: object = {}) =>
  openSftpStore(
    sftp.config.parse({
      host: server.host,
      port: server.port,
      user: server.user,
      path: `${server.path}/store`,
      privateKey: server.key,
      knownHosts: server.knownHosts,
      sshConfig: 'none',
      ...over,
    }),
    { log: silentLog },
  );

storeContract('sftp on OpenSSH, chrooted', {
  skip: skipWithoutSshd(),
  start: async () => {
    server = await startSshd();
  },
  open: () => open(),
  stop: async () => await server?.[Symbol.asyncDispose](),
});
