import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { parseConfig } from '../parse.ts';
import { formatImported } from './importers.ts';
import { importMedusa } from './medusa.ts';

const ini = String.raw`
[paths]
datastore: %programdata%\\medusa-agent\\sitedata
statedb: %programdata%\\medusa-agent\\state.db
log: %programdata%\\medusa-agent\\log

[settings]
site_id: 69
colour = blue

[database]
hostname: localhost
port: 1433
servername: SQLEXPRESS
db: StruxureWareReportsDB
driver: SQL Server Native Client 11.0
username: medusa
password: pa$word
queryrecordlimit: 1000
timeout: 120

[tables]
alarms: tbAlarmsEvents,SeqNo,DateTimeStamp
logged_variables: tbLoggedEntities,ID,LastMod
log_samples: tbLogTimeValues,DateTimeStamp,DateTimeStamp
`;

test('the sample configuration becomes a job that is valid as it stands', () => {
  const imported = importMedusa(ini);
  const result = parseConfig(formatImported(imported, 'config.ini'), {});
  assert.ok('values' in result, JSON.stringify(result));
  const job = result.values.jobs.medusa;
  assert.ok(job?.verb === 'export');
  assert.deepEqual(
    job.tables.map(({ table, key, timestamp, first }) => [table, key, timestamp, first]),
    [
      ['tbAlarmsEvents', 'SeqNo', 'DateTimeStamp', 'now'],
      ['tbLoggedEntities', 'ID', 'LastMod', 'all'],
      ['tbLogTimeValues', 'DateTimeStamp', undefined, 'now'],
    ],
  );
  assert.deepEqual([job.site, job.maxRows, job.fileName], ['69', 1000, '{site}_{table}_{first}_{last}.csv']);
  assert.deepEqual(job.to.toJSON(), {
    kind: 'local',
    path: String.raw`C:\ProgramData\medusa-agent\sitedata`,
  });
  const source = result.values.sources.medusa?.config;
  assert.ok(source instanceof Object && 'password' in source && 'database' in source);
  assert.equal((source.password as { reveal(): string }).reveal(), 'pa$word');
  assert.equal(source.database, 'StruxureWareReportsDB');
});

test('whatever is left out is told', () => {
  const { remarks } = importMedusa(ini);
  for (const key of ['statedb', 'log', 'driver', 'timeout', 'colour'])
    assert.ok(
      remarks.some((remark) => remark.includes(`] ${key} is`)),
      key,
    );
});

test('another file is refused', () => {
  assert.throws(
    () => importMedusa('[dataverse]\nx = y\n'),
    (error) => hasCode(error, 'CONFIG_INVALID'),
  );
});
