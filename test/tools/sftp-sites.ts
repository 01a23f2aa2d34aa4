// Where bulletins and orders lie over SFTP.
import { join } from 'node:path';
import { type SshServer, startSshd } from '../servers/sshd.ts';

export interface SftpSites extends AsyncDisposable {
  /** The store as a site reaches it: what stands under `bulletins: to`. */
  readonly to: object;
  /** The folder that everything of the site lies below, as the machine sees it. */
  readonly folder: string;
}

/** An account that sees nothing but the folder of a site, which is called `data`; root sees it in `root`. */
export const startAccountOfData = async (): Promise<SftpSites & { readonly root: string }> => {
  const server = await startSshd(); // chrooted above a folder called data, which alone is the account's
  return { ...placeOn(server, '/'), folder: server.folder, root: join(server.folder, '..') };
};

/** Where all sites may put something, and nobody may remove anything; `folder` is that of the site `north`. */
export const startWithoutRemoval = async (): Promise<SftpSites> => {
  const server = await startSshd({ shell: true, sftpCommand: 'internal-sftp -P remove' });
  const folder = join(server.folder, 'bulletins', 'north');
  return { ...placeOn(server, `${server.path}/bulletins`), folder };
};

const placeOn = (server: SshServer, path: string) => {
  const { host, port, user, key: privateKey, knownHosts } = server;
  return {
    to: { kind: 'sftp', host, port, user, privateKey, knownHosts, path },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};
