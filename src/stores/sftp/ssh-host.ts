// What ssh itself would do with a host: asked of `ssh -G`, so that aliases, patterns and includes mean what they mean there.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { expandHome, homeFolder, userName } from '#lib/home.ts';

export interface SshHost {
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  /** The name it is known by in known_hosts, when that is not its host name. */
  readonly hostKeyAlias: string | undefined;
  readonly identityFiles: readonly string[];
  readonly knownHostsFiles: readonly string[];
  /** The agent's socket. */
  readonly agent: string | undefined;
  /** Servers to go through, in order. */
  readonly jumps: readonly string[];
  /** True when the user's configuration lets ssh accept hosts that are not yet known. */
  readonly acceptsNew: boolean;
}

export interface HostQuestion {
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  /** A configuration file, 'none', or absent for ssh's own. */
  readonly sshConfig?: string | undefined;
}

/** How to reach a host. Without an ssh program, as an empty configuration would have it. */
export const lookUpHost = async (question: HostQuestion): Promise<SshHost> => {
  const { host, user, port, sshConfig } = question;
  if (sshConfig === 'none') return describeHost(new Map(), question); // ssh itself refuses a user who has a number and no name
  const args = [
    '-G',
    ...(sshConfig === undefined ? [] : ['-F', expandHome(sshConfig)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
  ];
  try {
    const { stdout } = await promisify(execFile)('ssh', args, { timeout: 10_000 });
    return describeHost(parseSettings(stdout), question);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return describeHost(new Map(), question);
    throw new HoldfastError('CONFIG_INVALID', `ssh does not understand its configuration for ${host}`, {
      cause,
      hint: `see what \`ssh -G ${host}\` says`,
    });
  }
};

type Settings = ReadonlyMap<string, readonly string[]>;

/** Lines of 'name value'; a name may come more than once. */
export const parseSettings = (output: string): Settings => {
  const settings = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const [, name, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
};

/** The part of ssh's settings that matters here. CONFIG_INVALID for one that cannot be honoured. */
export const describeHost = (settings: Settings, question: HostQuestion): SshHost => {
  const first = (name: string): string | undefined => settings.get(name)?.[0];
  const proxy = first('proxycommand');
  if (proxy !== undefined && proxy !== 'none')
    throw new HoldfastError(
      'CONFIG_INVALID',
      `ssh reaches ${question.host} by a ProxyCommand, which Holdfast does not run`,
      {
        hint: 'use ProxyJump there, or `jump` here',
      },
    );
  const hostname = first('hostname') ?? question.host;
  const user = first('user') ?? question.user ?? userName();
  const expand = (path: string): string => expandHome(expandTokens(path, { h: hostname, r: user }));
  const files = (names: readonly string[], usual: readonly string[]): string[] => {
    const given = names.flatMap((name) => settings.get(name) ?? []);
    return (given.length > 0 ? given.flatMap(words) : usual).map(expand);
  };
  return {
    hostname,
    user,
    port: Number(first('port') ?? question.port ?? 22),
    hostKeyAlias: first('hostkeyalias'),
    identityFiles: files(['identityfile'], ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa']),
    knownHostsFiles: files(
      ['userknownhostsfile', 'globalknownhostsfile'],
      ['~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'],
    ),
    agent: agentOf(first('identityagent'), expand),
    jumps: jumpsOf(first('proxyjump')),
    acceptsNew: ['accept-new', 'no', 'false', 'off'].includes(first('stricthostkeychecking') ?? ''),
  };
};

/** 'a@b,c' → ['a@b', 'c']; 'none' is no jump. */
export const jumpsOf = (value: string | undefined): string[] =>
  value === undefined || value === 'none' ? [] : value.split(',').map((jump) => jump.trim());

/** 'user@host:port' or 'ssh://user@host:port' as a question; addresses with colons stand in brackets. */
export const jumpQuestion = (jump: string, sshConfig: string | undefined): HostQuestion => {
  const [, user, host, port] = /^(?:ssh:\/\/)?(?:(.+)@)?(\[[^\]]+\]|[^:@]+)(?::(\d+))?\/?$/.exec(jump) ?? [];
  if (host === undefined || host.startsWith('-'))
    throw new HoldfastError('CONFIG_INVALID', `"${jump}" is not a server to go through`, {
      hint: 'write it as user@host:port',
    });
  return {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port: Number(port) }),
    sshConfig,
  };
};

const words = (value: string): string[] =>
  [...value.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');

const expandTokens = (path: string, tokens: Readonly<Record<string, string>>): string => {
  const known: Record<string, string> = { '%': '%', d: homeFolder(), u: userName(), ...tokens };
  return path.replaceAll(/%(.)/g, (token, letter: string) => known[letter] ?? token);
};

const agentOf = (setting: string | undefined, expand: (path: string) => string): string | undefined => {
  if (setting === 'none') return undefined;
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return process.env.SSH_AUTH_SOCK;
  return setting.startsWith('$') ? process.env[setting.replaceAll(/[${}]/g, '')] : expand(setting);
};
