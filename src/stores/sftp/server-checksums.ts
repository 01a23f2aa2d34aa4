// Checksums that the server computes of its own files, where the account has a shell there: `sha256sum` and its like.
import { createHash, randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { ChecksumAlgorithm, ChecksumQuestion, StoredChecksum } from '../store.ts';
import { temporaryName } from '../temporary-name.ts';
import { ChecksumShells } from './checksum-shells.ts';
import { hasShell, openShell, quoted, type RemoteShell } from './remote-shell.ts';
import type { SftpConnection } from './sftp-session.ts';
import { openNew, type Place, unlink } from './sftp-store.ts';
import { closeFile, writeFully } from './transfer.ts';

/** GNU and BusyBox; Perl's, as macOS has it; BSD. Each prints the digits first. */
const candidates: Readonly<Record<ChecksumAlgorithm, readonly string[]>> = {
  md5: ['md5sum', 'md5 -r'],
  sha1: ['sha1sum', 'shasum -a 1', 'sha1 -r'],
  sha256: ['sha256sum', 'shasum -a 256', 'sha256 -r'],
  sha512: ['sha512sum', 'shasum -a 512', 'sha512 -r'],
};

const findingLimitMs = 20_000;

export class ServerChecksums {
  readonly #place: Place;
  /** What was found out holds as long as the connection. */
  #found: { readonly connection: SftpConnection; readonly server: Promise<Server | undefined> } | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Undefined where the server cannot be asked, or has no such file for its shell. */
  async checksum(key: string, question: ChecksumQuestion): Promise<StoredChecksum | undefined> {
    const server = await this.#server();
    const algorithm = question.algorithms.find((each) => server?.programs.has(each));
    const program = algorithm && server?.programs.get(algorithm);
    if (!server || !algorithm || !program) return undefined;
    const { sizeBytes, signal } = question;
    const path = posix.join(server.root, key);
    const value = await server.shells.ask({ program, path, sizeBytes, signal });
    return value === undefined ? undefined : { algorithm, value };
  }

  /** Whether the server can be asked. */
  async areTold(): Promise<boolean> {
    return (await this.#server()) !== undefined;
  }

  async #server(): Promise<Server | undefined> {
    const connection = await this.#place.session.connection();
    if (this.#found?.connection !== connection)
      this.#found = { connection, server: findServer(connection, this.#place) };
    return await this.#found.server;
  }
}

interface Server {
  /** The folder of the store, as the shell sees it. */
  readonly root: string;
  readonly programs: ReadonlyMap<ChecksumAlgorithm, string>;
  readonly shells: ChecksumShells;
}

/** Whatever stands in the way: who asks for a checksum can do without it. */
const findServer = async (connection: SftpConnection, place: Place): Promise<Server | undefined> => {
  const signal = AbortSignal.timeout(findingLimitMs);
  try {
    if (!(await hasShell(connection, signal))) return undefined;
    const shell = await openShell(connection);
    const { root, programs } = await findPrograms(connection, place, shell, signal);
    return { root, programs, shells: new ChecksumShells(shell, () => openShell(connection)) };
  } catch {
    return undefined;
  }
};

/**
 * Those that tell the checksum of a file that was just put there under a name nobody can know: so the shell is on the same machine, sees
 * the same folder as SFTP does, and its programs are what they are called.
 */
const findPrograms = async (
  { line }: SftpConnection,
  { root }: Place,
  shell: RemoteShell,
  signal: AbortSignal,
): Promise<Pick<Server, 'root' | 'programs'>> => {
  const probe = temporaryName(posix.join(root, 'checksum'));
  const content = randomBytes(64);
  const file = await openNew(line, probe);
  try {
    await writeFully(line, file, content);
    await closeFile(line, file);
    const path = await line.request<string>((sftp, answer) => sftp.realpath(probe, answer));
    const programs = new Map<ChecksumAlgorithm, string>();
    for (const [algorithm, names] of Object.entries(candidates) as [ChecksumAlgorithm, readonly string[]][]) {
      const expected = createHash(algorithm).update(content).digest('hex');
      for (const name of names) {
        const { output } = await shell.run(`${name} ${quoted(path)} </dev/null`, signal);
        if (!output.includes(expected)) continue;
        programs.set(algorithm, name);
        break;
      }
    }
    return { root: posix.dirname(path), programs };
  } finally {
    await unlink(line, probe).catch(() => {}); // readers skip its name anyway
  }
};
