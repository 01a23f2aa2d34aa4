import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { Secret } from '#lib/secret.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { configSchema } from './config.ts';
import { mysqlUrl } from './connection-url.ts';
import { parseName } from './identifiers.ts';
import { fitsTable } from './patterns.ts';
import { resolveSettings } from './settings.ts';

const folder = temporaryFolder('mysql-settings');
const optionFile = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test('a URL names everything, and prints without its password', () => {
  const url = mysqlUrl('mariadb://ann%40x:s%3Acret@[::1]:3307/a%2Fb?ssl-mode=required&connect-timeout=5');
  assert.deepEqual(url.parameters, {
    user: 'ann@x',
    host: '::1',
    port: '3307',
    database: 'a/b',
    'ssl-mode': 'required',
    'connect-timeout': '5',
  });
  assert.equal(url.password?.reveal(), 's:cret');
  assert.doesNotMatch(`${url} ${JSON.stringify(url)}`, /cret/);
});

test('a URL that is not understood is refused without being repeated', () => {
  for (const text of ['mysql:/x', 'mysql://a,b/x', 'mysql://h/x?ssl-mod=required', 'mysql://u:p%zz@h/x'])
    assert.throws(
      () => mysqlUrl(text),
      (error) => hasCode(error, 'CONFIG_INVALID') && !error.message.includes('%zz'),
    );
});

test('an option file says how to connect, as the clients read it', () => {
  optionFile('more.cnf', '[client]\nport = 3310\n');
  const file = optionFile(
    'my.cnf',
    `# comment\n[mysqld]\nport=1\n[client]\nuser = "ann"  # who\npassword='a b\\sc#d'\nhost=db.internal\nquick\nssl_ca=/nowhere\nskip-ssl\n!include ${join(folder, 'more.cnf')}\n[mysqldump]\nuser=x\n`,
  );
  const settings = resolveSettings({ parameters: {}, defaultsFile: file }, {});
  assert.deepEqual(
    [settings.user, settings.host, settings.port, settings.password(), settings.tls],
    ['ann', 'db.internal', 3310, 'a b c#d', [false]],
  );
});

test('what is given goes before the option file, and that before the environment', () => {
  const file = optionFile('given.cnf', '[client]\nsocket=/run/x.sock\nuser=file\npassword=file\n');
  const environment = { MYSQL_HOST: 'env.internal', MYSQL_PWD: 'env', MYSQL_TCP_PORT: '3399' };
  const given = { parameters: { host: 'db.internal' }, password: new Secret('own'), defaultsFile: file };
  const settings = resolveSettings(given, environment);
  assert.deepEqual(
    [settings.server, settings.user, settings.password()],
    ['db.internal:3399', 'file', 'own'],
  );
  assert.equal(resolveSettings({ parameters: {}, defaultsFile: file }, environment).server, '/run/x.sock');
  assert.throws(
    () => resolveSettings({ parameters: {}, defaultsFile: join(folder, 'absent') }, {}),
    /no option file/,
  );
});

test('TLS is tried unless told, verified when it can be, and never by halves', () => {
  const none = optionFile('none.cnf', '');
  const modes = (parameters: Record<string, string>) =>
    resolveSettings({ parameters: { host: 'db.internal', ...parameters }, defaultsFile: none }, {}).tls;
  assert.equal(modes({}).length, 2);
  assert.deepEqual(modes({ 'ssl-mode': 'DISABLED' }), [false]);
  assert.deepEqual(modes({ 'ssl-mode': 'VERIFY_IDENTITY' }), [
    { rejectUnauthorized: true, verifyIdentity: true },
  ]);
  const ca = optionFile('ca.pem', 'pem');
  assert.deepEqual(modes({ 'ssl-ca': ca }), [{ rejectUnauthorized: true, verifyIdentity: false, ca: 'pem' }]);
  assert.throws(() => modes({ 'ssl-mode': 'verify-identity', host: '10.0.0.1' }), /name of the host/);
  assert.throws(() => modes({ 'ssl-mode': 'perhaps' }), /unknown/);
});

test('a configuration names the server in one way', () => {
  assert.ok(configSchema.safeParse({ host: 'db', user: 'u', databases: 'all' }).success);
  assert.ok(!configSchema.safeParse({ url: 'mysql://db/shop', host: 'db' }).success);
  assert.ok(!configSchema.safeParse({ url: 'mysql://db/shop', rangeMiB: 1 }).success);
});

test('names and patterns', () => {
  assert.deepEqual(parseName('`a.b`.`c``d`'), ['a.b', 'c`d']);
  assert.deepEqual(parseName('orders'), ['orders']);
  assert.equal(parseName('a.b.c'), undefined);
  assert.ok(fitsTable('shop.ord*', 'shop', 'orders') && fitsTable('*.log_?', 'x', 'log_1'));
  assert.ok(!fitsTable('shop.orders', 'shop2', 'orders') && !fitsTable('log_?', 'x', 'log_12'));
});
