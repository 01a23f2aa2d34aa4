// config.ini of the backup scripts of Dataverse (https://github.com/IQSS/dataverse, scripts/backup/run_backup).
import { HoldfastError } from '#lib/errors.ts';
import type { Imported } from './imported.ts';
import { type IniSection, literal, parseIni } from './ini.ts';

/** Its keys that have a meaning here; every other one is named as left out. */
const known: Readonly<Record<string, readonly string[]>> = {
  Database: ['host', 'port', 'database', 'username', 'password', 'backupdatabase'],
  Repository: ['filesystemdirectory'],
  Backup: [
    ...['storagetype', 'sshhost', 'sshport', 'sshusername', 'backupdirectory'],
    ...['swiftauthurl', 'swiftuser', 'swiftkey', 'swifttenant'],
  ],
  Notifications: ['email'],
};

/** Those of the kind of storage that is not used need no word. */
const ofStorage: Readonly<Record<string, RegExp>> = { ssh: /^swift/, swift: /^(ssh|backupdirectory)/ };

export const importDataverse = (text: string): Imported => {
  const sections = parseIni(text);
  const { Database: database, Repository: repository, Backup: backup } = Object.fromEntries(sections);
  const email = sections.get('Notifications')?.values.get('email');
  if (!database || !backup)
    throw new HoldfastError('CONFIG_INVALID', 'this is no config.ini of the backup of Dataverse', {
      hint: 'it has the sections [Database], [Repository], [Backup] and [Notifications]',
    });
  const type = backup.values.get('storagetype') ?? 'ssh';
  const statusTable = database.values.get('backupdatabase');
  const job = {
    mirror: {
      file: literal(repository?.values.get('filesystemdirectory') ?? '/usr/local/dvn/data'),
    },
    listedBy: { source: 'dataverse', preset: 'dataverse' },
    to: type === 'swift' ? swiftOf(backup) : sftpOf(backup),
    ...(statusTable && { statusTable: 'backupdb' }),
    ...(email && { notify: [{ to: 'administrators', when: ['always'] }] }),
  };
  const values = {
    sources: {
      dataverse: sourceOf(database, 'database'),
      ...(statusTable && { backupdb: sourceOf(database, 'backupdatabase') }),
    },
    ...(email && {
      notifiers: {
        administrators: {
          kind: 'email',
          smtp: 'smtp://localhost:25',
          from: email,
          to: [email],
        },
      },
    }),
    jobs: { dataverse: job },
  };
  return {
    values,
    remarks: [...remarksOn(type), ...secretsIn(database, type, backup), ...leftOut(sections, type)],
  };
};

const sourceOf = ({ values }: IniSection, database: string): Record<string, unknown> => {
  const port = Number(values.get('port'));
  return {
    kind: 'postgres',
    host: literal(values.get('host') ?? 'localhost'),
    ...(Number.isInteger(port) && port > 0 && { port }),
    ...textOf(values, { username: 'user', password: 'password', [database]: 'database' }),
  };
};

const sftpOf = ({ values }: IniSection): Record<string, unknown> => {
  const port = Number(values.get('sshport'));
  return {
    kind: 'sftp',
    ...textOf(values, { sshhost: 'host', sshusername: 'user' }),
    ...(Number.isInteger(port) && port > 0 && { port }),
    path: literal(values.get('backupdirectory') ?? 'dataverse_backup'),
    newHosts: 'accept', // as the library it used
  };
};

const swiftOf = ({ values }: IniSection): Record<string, unknown> => ({
  kind: 'swift',
  container: 'dataverse_backup',
  ...textOf(values, {
    swiftauthurl: 'authUrl',
    swiftuser: 'user',
    swiftkey: 'password',
    swifttenant: 'project',
  }),
});

/** Values that are there, by their names in our file. */
const textOf = (
  values: ReadonlyMap<string, string>,
  names: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([theirs, ours]) => {
      const value = values.get(theirs);
      return value ? [[ours, literal(value)] as const] : [];
    }),
  );

const remarksOn = (type: string): string[] => [
  'Files in S3 need a place of their own in `mirror`: s3: { kind: s3, bucket: … }, by the name that stands before :// in their storage identifiers.',
  'The first run lists all files; those that are OK in datafilestatus are copied once more, since nobody has verified them here. The originals of tabular files get the name they have at their source, ending in .orig.',
  ...(type === 'swift'
    ? [
        'The scripts made a container for each dataset; here one has all of them, in folders. Logging in is by Keystone version 3 (…/v3) or TempAuth (…/auth/v1.0).',
      ]
    : []),
];

const secretsIn = (database: IniSection, type: string, backup: IniSection): string[] =>
  database.values.get('password') || (type === 'swift' && backup.values.get('swiftkey'))
    ? ['A password stands in this file: chmod 600, or write { file: … } instead.']
    : [];

const leftOut = (sections: ReadonlyMap<string, IniSection>, type: string): string[] =>
  [...sections].flatMap(([section, { values }]) =>
    [...values.keys()].flatMap((key) =>
      known[section]?.includes(key) || ofStorage[type]?.test(key)
        ? []
        : [`[${section}] ${key} is left out: ${without[key] ?? 'it is not known'}.`],
    ),
  );

const without: Readonly<Record<string, string>> = {
  swiftauthversion: 'the address says which version it is',
  swiftendpoint: 'the service tells it when one logs in',
};
