import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sftp } from './sftp.ts';
import { formatSftpUrl, parseSftpUrl } from './sftp-url.ts';

test('both forms of restic’s URLs name the place they name there', () => {
  const places = {
    'sftp:backup@vault:/srv/x': { host: 'vault', user: 'backup', path: '/srv/x' },
    'sftp:vault:x': { host: 'vault', path: 'x' },
    'sftp:backup@[::1]:/srv/x': { host: '::1', user: 'backup', path: '/srv/x' },
    'sftp://backup@vault:2222//srv/x': { host: 'vault', user: 'backup', port: 2222, path: '/srv/x' },
    'sftp://vault/x': { host: 'vault', path: 'x' },
    'sftp://[::1]:10022//srv/x': { host: '::1', port: 10022, path: '/srv/x' },
    'sftp:vault:': { host: 'vault', path: '.' },
    'sftp://vault/': { host: 'vault', path: '.' },
  };
  for (const [url, place] of Object.entries(places)) assert.deepEqual(parseSftpUrl(url), place, url);
});

test('what is shown of a place can be typed again', () => {
  for (const url of ['sftp:backup@vault:/srv/x', 'sftp:[::1]:x', 'sftp://backup@vault:2222//srv/x'])
    assert.equal(formatSftpUrl(parseSftpUrl(url)), url);
});

test('what is no place is refused, and a password in it is not repeated', () => {
  for (const url of ['sftp:vault', 'sftp://vault', 'sftp://backup:s3cret@vault/x', 'sftp:'])
    assert.throws(
      () => parseSftpUrl(url),
      (error: Error) => error.message.includes('URL') && !error.message.includes('s3cret'),
    );
});

test('a host cannot be taken for an option of ssh', () => {
  assert.equal(sftp.config.safeParse({ host: '-oProxyCommand=evil', path: '/x' }).success, false);
  assert.equal(sftp.config.safeParse({ host: 'a b', path: '/x' }).success, false);
});
