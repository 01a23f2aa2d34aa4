// config.ini of Medusa System Agent (SQL Server → CSV beside a cloud backup agent).
import { HoldfastError } from '#lib/errors.ts';
import type { Imported } from './imported.ts';
import { type IniSection, literal, parseIni } from './ini.ts';

/** Its keys that have a meaning here; every other one is named as left out. */
const known: Readonly<Record<string, readonly string[]>> = {
  paths: ['datastore', 'statedb', 'log'],
  settings: ['site_id'],
  database: [
    'hostname',
    'port',
    'servername',
    'db',
    'driver',
    'username',
    'password',
    'queryrecordlimit',
    'timeout',
  ],
};

/** Of this table alone Medusa exported everything the first time; of the others only what came later. */
const wholeAtFirst = 'tbLoggedEntities';

export const importMedusa = (text: string): Imported => {
  const sections = parseIni(text);
  const { database, tables, paths, settings } = Object.fromEntries(sections);
  if (!database || !tables)
    throw new HoldfastError('CONFIG_INVALID', 'this is no config.ini of Medusa System Agent', {
      hint: 'it has the sections [paths], [settings], [database] and [tables]',
    });
  const remarks: string[] = [];
  const source = sourceOf(database, remarks);
  const store = pathOf(paths?.values.get('datastore') ?? String.raw`%programdata%\medusa-agent\sitedata`);
  const job = {
    export: ['medusa'],
    tables: [...tables.values].map(([name, value]) => tableOf(name, value)),
    to: { kind: 'local', path: store },
    site: settings?.values.get('site_id') ?? 'site',
    ...recordLimit(database),
    purge: { olderThan: '1d' },
  };
  remarks.push(
    'Medusa purged every file after the other agent had run, copied or not. Here a file goes when it is a day old; better: `purge: { listedIn: <the store of the other agent> }`.',
    'Its positions are not taken over: the first run begins with what comes later, as Medusa did, except for tables with `first: all`.',
    ...leftOut(sections),
  );
  return { values: { sources: { medusa: source }, jobs: { medusa: job } }, remarks };
};

const sourceOf = ({ values }: IniSection, remarks: string[]): Record<string, unknown> => {
  const port = Number(values.get('port'));
  const hasPort = Number.isInteger(port) && port > 0;
  const instance = values.get('servername');
  if (values.get('password'))
    remarks.push('The password stands in this file: chmod 600, or write { file: … } instead.');
  return {
    kind: 'sqlserver',
    host: values.get('hostname') ?? 'localhost',
    ...(hasPort ? { port } : instance && { instance }),
    ...(values.get('username') && { user: values.get('username') }),
    ...(values.get('password') && { password: literal(values.get('password') ?? '') }),
    ...(values.get('db') && { database: values.get('db') }),
    trustServerCertificate: true, // as the driver it used
  };
};

/** `alarms: tbAlarmsEvents,SeqNo,DateTimeStamp` */
const tableOf = (name: string, value: string): Record<string, unknown> => {
  const [table = '', key = '', timestamp = key] = value.split(',').map((part) => part.trim());
  if (table === '' || key === '')
    throw new HoldfastError(
      'CONFIG_INVALID',
      `[tables] ${name}: "${value}" is not of the form table,key,timestamp`,
    );
  return {
    table,
    key,
    ...(timestamp !== '' && timestamp !== key && { timestamp }),
    first: table === wholeAtFirst ? 'all' : 'now',
  };
};

const recordLimit = ({ values }: IniSection): { maxRows?: number } => {
  const limit = Number(values.get('queryrecordlimit'));
  return Number.isInteger(limit) && limit > 0 ? { maxRows: Math.min(limit, 1_000_000) } : {};
};

/** Windows' variable as one of ours, and its doubled backslashes as one. */
const pathOf = (path: string): string =>
  literal(path.replaceAll('\\\\', '\\')).replace(/%programdata%/i, () => `\${ProgramData:-C:\\ProgramData}`);

const without: Readonly<Record<string, string>> = {
  'paths.statedb': 'positions are in the catalog',
  'paths.log': '`holdfast runs` shows what each run said, and `logs` writes it to files',
  'database.driver': 'Holdfast speaks to the server itself',
  'database.timeout': 'a run takes as long as it takes, or as `timeLimit` says',
};

const leftOut = (sections: ReadonlyMap<string, IniSection>): string[] =>
  [...sections].flatMap(([section, { values }]) =>
    section === 'tables'
      ? []
      : [...values.keys()].flatMap((key) => {
          const why = without[`${section}.${key}`];
          if (why !== undefined) return [`[${section}] ${key} is left out: ${why}.`];
          return known[section]?.includes(key) ? [] : [`[${section}] ${key} is not known and left out.`];
        }),
  );
