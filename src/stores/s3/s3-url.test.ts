import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatS3Url, parseS3Url } from './s3-url.ts';

test('restic’s URLs name the bucket they name there', () => {
  const places = {
    's3:https://host/bucket': { endpoint: 'https://host', bucket: 'bucket' },
    's3:http://127.0.0.1:9000/bucket/a/b/': {
      endpoint: 'http://127.0.0.1:9000',
      bucket: 'bucket',
      prefix: 'a/b',
    },
    's3://host:9000/bucket/a': { endpoint: 'https://host:9000', bucket: 'bucket', prefix: 'a' },
    's3:host/bucket': { endpoint: 'https://host', bucket: 'bucket' },
    's3:s3.amazonaws.com/bucket/a': { bucket: 'bucket', prefix: 'a' },
    's3:s3.eu-central-1.amazonaws.com/bucket': { bucket: 'bucket', region: 'eu-central-1' },
    's3:https://s3-eu-west-1.amazonaws.com/bucket': { bucket: 'bucket', region: 'eu-west-1' },
  };
  for (const [url, place] of Object.entries(places)) assert.deepEqual(parseS3Url(url), place, url);
});

test('what is shown of a place can be typed again', () => {
  for (const url of ['s3:https://host/bucket/a/b', 's3:s3.amazonaws.com/bucket'])
    assert.equal(formatS3Url(parseS3Url(url)), url);
});

test('what is no place is refused, and keys in it are not repeated', () => {
  for (const url of ['s3:', 's3:host', 's3:https://key:s3cret@host/bucket'])
    assert.throws(
      () => parseS3Url(url),
      (error: Error) => error.message.includes('URL') && !error.message.includes('s3cret'),
    );
});
