// What a server calls itself.

export interface Version {
  readonly engine: 'mariadb' | 'mysql';
  /** '10.11.19-MariaDB', without what a distribution adds. */
  readonly text: string;
  /** 101119 for 10.11.19. */
  readonly number: number;
}

/** Reads what version() answers. */
export const parseVersion = (answer: string): Version => {
  const [, major = '0', minor = '0', patch = '0'] =
    /^(?:5\.5\.5-)?(\d+)\.(\d+)(?:\.(\d+))?/.exec(answer) ?? [];
  const engine = /mariadb/i.test(answer) ? 'mariadb' : 'mysql';
  return {
    engine,
    text: `${major}.${minor}.${patch}${engine === 'mariadb' ? '-MariaDB' : ''}`,
    number: Number(major) * 10_000 + Number(minor) * 100 + Number(patch),
  };
};
