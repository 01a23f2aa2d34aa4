import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOf } from './format.ts';
import { flawInTemplate, nameTemplate } from './name.ts';

const words = { source: 'hospital', database: 'a/b', job: 'nightly', host: 'vault', site: '69' };
const any = {
  source: ['hospital'],
  database: 'any',
  job: ['nightly'],
  host: ['vault'],
  site: ['69'],
} as const;
const time = new Date(2026, 10, 21, 3, 5, 9);

test('names come out as the template has them, each word one part of a path', () => {
  const of = (text: string): string => nameTemplate(text).format(words, time);
  assert.equal(of('{source}_{yyyy}{mm}{dd}.sql.gz'), 'hospital_20261121.sql.gz');
  assert.equal(of('{yyyy}{mm}{dd}{HH}{MM}{SS}.tgz'), '20261121030509.tgz');
  assert.equal(of('{host}/{site}/{job}-{database}.sql'), 'vault/69/nightly-a_b.sql');
});

test('a name tells its time and its group again, and other names tell nothing', () => {
  const template = nameTemplate('{source}_{database}_{yyyy}{mm}{dd}.sql.gz');
  assert.deepEqual(template.parse('hospital_shop_20261121.sql.gz', any)?.time, new Date(2026, 10, 21));
  for (const name of [
    'hospital_20261121.sql.gz',
    'school_shop_20261121.sql.gz',
    'hospital_shop_20261321.sql.gz',
    'hospital_shop_20260230.sql.gz',
    'xhospital_shop_20261121.sql.gz',
    'hospital_shop_20261121.sql.gz.old',
  ])
    assert.equal(template.parse(name, any), undefined, name);
});

test('templates that cannot be names are told apart', () => {
  for (const text of ['{year}', '{source', '../{source}', 'a//b', '', '/a', 'a\\b'])
    assert.ok(flawInTemplate(text), text);
  assert.equal(flawInTemplate('a/{source}.tar.gz'), undefined);
});

test('the ending says what a file is', () => {
  const gzip = { compression: 'gzip', encrypted: false };
  assert.deepEqual(formatOf('a.tgz'), { container: 'tar', ...gzip });
  assert.deepEqual(formatOf('a.tar.zst.age'), { container: 'tar', compression: 'zstd', encrypted: true });
  assert.deepEqual(formatOf('a.sql.gz'), { container: { plain: 'sql' }, ...gzip });
  assert.deepEqual(formatOf('a.sql'), { container: { plain: 'sql' }, compression: 'none', encrypted: false });
  for (const name of ['a', 'a.gz', 'v1.2', '{source}_{yyyy}']) assert.equal(formatOf(name), undefined, name);
});
