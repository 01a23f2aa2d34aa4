import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { parseConfig } from '../parse.ts';
import { importDataverse } from './dataverse.ts';
import { formatImported } from './importers.ts';

/** The sample of the scripts, without its comments. */
const ini = `
[Database]
Host: localhost
Port: 5432
Database: dvndb
Username: dvnapp
Password: xx$xx
BackupDatabase: backupdb

[Repository]
; comment
FileSystemDirectory: /usr/local/glassfish4/glassfish/domains/domain1/files

[Backup]
StorageType: ssh
SshHost: backup.dataverse.edu
SshPort: 22
SshUsername: backup
BackupDirectory: /dataverse_backup
SwiftAuthUrl: https://something.dataverse.edu/swift/v2.0/tokens
SwiftAuthVersion: 2
SwiftUser: xxx
SwiftKey: yyy
SwiftTenant: zzz
SwiftEndPoint: https://something.dataverse.edu/swift/v1
Colour: blue

[Notifications]
Email: somebody@dataverse.edu
`;

const jobOf = (text: string) => {
  const result = parseConfig(formatImported(importDataverse(text), 'config.ini'), {});
  assert.ok('values' in result, JSON.stringify(result));
  const { sources, jobs } = result.values;
  assert.ok(jobs.dataverse?.verb === 'mirror');
  return { job: jobs.dataverse, sources };
};

test('the sample configuration becomes a job that is valid as it stands', () => {
  const { job, sources } = jobOf(ini);
  assert.deepEqual(job.listedBy, { source: 'dataverse', preset: 'dataverse' });
  assert.equal(job.statusTable, 'backupdb');
  assert.deepEqual(job.mirror.file?.toJSON(), {
    kind: 'local',
    path: '/usr/local/glassfish4/glassfish/domains/domain1/files',
  });
  const { host, user, path } = job.to.toJSON();
  assert.deepEqual([host, user, path], ['backup.dataverse.edu', 'backup', '/dataverse_backup']);
  assert.deepEqual(
    job.notify?.map(({ to, when }) => [to, when]),
    [['administrators', ['always']]],
  );
  const source = sources.dataverse?.config as { password: { reveal(): string }; database: string };
  assert.deepEqual([source.password.reveal(), source.database], ['xx$xx', 'dvndb']);
});

test('with Swift, copies go into one container', () => {
  const { job } = jobOf(ini.replace('StorageType: ssh', 'StorageType: swift'));
  const { kind, container, user, project } = job.to.toJSON();
  assert.deepEqual([kind, container, user, project], ['swift', 'dataverse_backup', 'xxx', 'zzz']);
});

test('whatever is left out is told, but for the storage that is not used', () => {
  const { remarks } = importDataverse(ini);
  assert.ok(remarks.some((remark) => remark.includes('] colour is left out')));
  assert.ok(!remarks.some((remark) => /\] swift/.test(remark)));
  const swift = importDataverse(ini.replace('StorageType: ssh', 'StorageType: swift')).remarks;
  for (const key of ['swiftauthversion', 'swiftendpoint'])
    assert.ok(swift.some((remark) => remark.includes(`] ${key} is left out`)));
});

test('another file is refused', () => {
  assert.throws(
    () => importDataverse('[database]\nx = y\n'),
    (error) => hasCode(error, 'CONFIG_INVALID'),
  );
});
