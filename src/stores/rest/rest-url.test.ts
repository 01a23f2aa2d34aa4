import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRestUrl, parseRestUrl } from './rest-url.ts';

test('restic’s URLs name the repository they name there', () => {
  const places = {
    'rest:https://host:8000/path/': { url: 'https://host:8000/path/' },
    'rest:https://host/a/b': { url: 'https://host/a/b/' },
    'rest:http://127.0.0.1:8000': { url: 'http://127.0.0.1:8000/' },
    'REST:https://anna@host/anna/': { url: 'https://host/anna/', user: 'anna' },
    'rest:https://anna:p%40ss%2Fw%C3%B6rd@host/': {
      url: 'https://host/',
      user: 'anna',
      password: 'p@ss/wörd',
    },
  };
  for (const [url, place] of Object.entries(places)) assert.deepEqual(parseRestUrl(url), place, url);
});

test('what is shown of a place can be typed again, and tells nobody the password', () => {
  assert.equal(formatRestUrl(parseRestUrl('rest:https://anna:s3cret@host/a')), 'rest:https://host/a/');
  assert.equal(formatRestUrl(parseRestUrl('rest:https://host/a/')), 'rest:https://host/a/');
});

test('what is no place is refused, and a password in it is not repeated', () => {
  for (const url of [
    'rest:',
    'rest:host/a',
    'rest:/srv/backups',
    'rest:ftp://a:s3cret@host/',
    'rest:https://a:s3cret@host:port/',
    'rest:https://a:s3cret@host/?x=1',
  ])
    assert.throws(
      () => parseRestUrl(url),
      (error: Error) => error.message.includes('URL') && !error.message.includes('s3cret'),
      url,
    );
});
