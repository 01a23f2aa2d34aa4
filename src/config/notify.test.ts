import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadText, mistakesIn } from './testing.ts';

const file = (notify: string, notifiers = 'ops: { kind: command, command: "true" }'): string => `\
repositories:
  offsite: { store: /srv/backups, password: { file: /key } }
sources:
  media: { kind: files, path: /srv/media }
notifiers:
  ${notifiers}
jobs:
  nightly:
    backup: [media]
    to: [offsite]
    notify: ${notify}
`;

test('a job names who is told, and of what', async () => {
  const config = await loadText(
    file('[ops, { to: ops, when: digest, at: "08:15" }, { to: ops, when: [always], remind: 2d }]'),
  );
  assert.deepEqual(config.jobs.get('nightly')?.notify, [
    { to: 'ops', remind: '12h', at: '07:00' },
    { to: 'ops', when: ['digest'], remind: '12h', at: '08:15' },
    { to: 'ops', when: ['always'], remind: '2d', at: '07:00' },
  ]);
  assert.equal(config.notifiers.get('ops')?.kind, 'command');
});

test('who is not there, and an occasion that is none, are mistakes at their place', () => {
  assert.deepEqual(mistakesIn(file('[opps]')), [
    'f:11:14: jobs.nightly.notify[0]: no notifier is called "opps"; did you mean "ops"?',
  ]);
  assert.match(mistakesIn(file('[{ to: ops, when: never }]')).join(), /jobs\.nightly\.notify\[0\]\.when: /);
  assert.match(
    mistakesIn(file('[{ to: ops, at: "25:00" }]')).join(),
    /must be a time of day such as "07:00"/,
  );
});

test('what a notifier cannot be is a mistake, and shows no secret', () => {
  const mail = '{ kind: email, smtp: "smtp://u:hunter2@mail", from: a@b.c, to: [a@b.c] }';
  const found = mistakesIn(file('[ops]', `ops: ${mail}`)).join();
  assert.match(found, /notifiers\.ops\.smtp: holds a password/);
  assert.ok(!found.includes('hunter2'));
});

test('every example of the manuals is a sound file', () => {
  for (const name of ['notifiers', 'health']) {
    const manual = readFileSync(join(import.meta.dirname, '../../docs', `${name}.md`), 'utf8');
    const examples = [...manual.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] ?? '');
    assert.ok(examples.length > 0);
    for (const example of examples) assert.deepEqual(mistakesIn(example), []);
  }
});

test('who is told twice of the same is here twice', () => {
  const notifiers = 'notifiers: { ops: { kind: webhook, url: "https://ops.example/" } }\n';
  const told = (notify: string): string[] =>
    mistakesIn(
      `${notifiers}repositories: { r: { store: /srv, password: x } }\njobs: { j: { check: [r], notify: ${notify} } }\n`,
    );
  assert.deepEqual(told('[ops, ops]'), ['f:3:40: jobs.j.notify[1]: "ops" is here twice']);
  assert.deepEqual(told('[ops, { to: ops, when: digest }]'), []);
});
