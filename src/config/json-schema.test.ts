import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { jsonSchema } from './file-schema.ts';
import { mistakesIn } from './testing.ts';

const validate = new Ajv2020({
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  validateFormats: false,
}).compile(jsonSchema());

/** The example that the project is explained with, without what comes in later versions. */
const example = `\
repositories:
  offsite:
    store: { kind: sftp, host: vault.example.net, user: backup, path: /srv/holdfast, privateKey: ~/.ssh/id_ed25519 }
    password: { file: /etc/holdfast/offsite.key }

sources:
  shop:  { kind: postgres, url: "postgres://holdfast@db.internal/shop" }
  media: { kind: files, path: /srv/shop/media, exclude: ["*.tmp"] }

jobs:
  nightly:
    backup: [shop, media]
    to: [offsite]
`;

test('the JSON Schema and the program both accept the example', () => {
  assert.deepEqual(mistakesIn(example), []);
  assert.equal(validate(parse(example)), true, JSON.stringify(validate.errors));
});

const siteKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMC3vtp9ac3D2fY8PCuTAKbahxSwcDiWlhugcrBZl06a';
const withSites = (sites: string): string =>
  `console: { bulletins: /srv/bulletins, identity: k, sites: ${sites} }\n${example}`;

for (const sites of [
  '[north, south]',
  `{ north: ${siteKey}, south: [${siteKey.replace('v', 'w')}], west: unsigned }`,
])
  test(`the JSON Schema and the program both accept the sites ${sites}`, () => {
    assert.deepEqual(mistakesIn(withSites(sites)), []);
    assert.equal(validate(parse(withSites(sites))), true, JSON.stringify(validate.errors));
  });

for (const sites of [
  '{}',
  '[]',
  '{ north: { key: k } }',
  `{ north: ${siteKey.slice(0, -1)} }`,
  '{ ../north: unsigned }',
])
  test(`the JSON Schema and the program both refuse the sites ${sites}`, () => {
    assert.notDeepEqual(mistakesIn(withSites(sites)), []);
    assert.equal(validate(parse(withSites(sites))), false);
  });

const ageKey = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const withOrders = (orders: string): string =>
  `${example}site: north\nbulletins: { to: /srv/bulletins, for: ${ageKey} }\norders: ${orders}\n`;

for (const [orders, isRight] of [
  [`{ from: ${siteKey}, jobs: [nightly] }`, true],
  [`{ from: [${siteKey}, ${siteKey.replace('v', 'w')}], jobs: [nightly] }`, true],
  [`{ from: ${siteKey} }`, false],
  [`{ from: ${ageKey}, jobs: [nightly] }`, false],
  [`{ from: ${siteKey}, jobs: [] }`, false],
] as const)
  test(`the JSON Schema and the program both ${isRight ? 'accept' : 'refuse'} the orders ${orders}`, () => {
    assert.equal(mistakesIn(withOrders(orders)).length === 0, isRight);
    assert.equal(validate(parse(withOrders(orders))), isRight);
  });

const wrong: readonly (readonly [name: string, from: string, to: string])[] = [
  ['an unknown key', 'jobs:', 'job:'],
  ['an unknown kind', 'kind: files', 'kind: filez'],
  ['an unknown key of a kind', 'exclude:', 'exlude:'],
  ['a wrong type', 'path: /srv/shop/media', 'path: 7'],
  ['a missing key', 'to: [offsite]', ''],
  ['two verbs', 'to: [offsite]', 'to: [offsite]\n    check: [offsite]'],
  ['no verb', 'backup: [shop, media]', ''],
  ['an unknown form of secret', 'file: /etc', 'fil: /etc'],
  [
    'archives where only repositories are kept',
    'backup: [shop, media]\n    to: [offsite]',
    'archive: [media]\n    to: [{ kind: rest, url: "https://vault.example.net/shop/" }]',
  ],
  ['a name with a space', '  shop:  {', '  my shop:  {'],
];
for (const [name, from, to] of wrong)
  test(`the JSON Schema and the program both refuse ${name}`, () => {
    const text = example.replace(from, to);
    assert.notEqual(text, example);
    assert.notDeepEqual(mistakesIn(text), []);
    assert.equal(validate(parse(text)), false);
  });

test('every key that can be written is described', () => {
  const bare: string[] = [];
  const visit = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties')
        for (const [name, property] of Object.entries(value as Record<string, { description?: string }>)) {
          if (!property.description) bare.push(`${path}.${name}`);
          visit(property, `${path}.${name}`);
        }
      else visit(value, path);
    }
  };
  visit(jsonSchema(), '');
  assert.deepEqual(bare, []);
});
