// The manuals beside the program: every option and key there is stands in them, what they show is accepted, and their links lead somewhere.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { statusTexts } from '../src/cli/command.ts';
import { commands } from '../src/cli/commands.ts';
import { readerGoneStatus } from '../src/cli/program.ts';
import { holdfast } from '../src/cli/testing.ts';
import { jsonSchema } from '../src/config/file-schema.ts';
import { mistakesIn } from '../src/config/testing.ts';
import { type JsonSchema, jsonSchemaOf } from '../src/lib/parse-by.ts';
import { notifierKinds } from '../src/notifiers/registry.ts';
import { sourceKinds } from '../src/sources/registry.ts';
import { storeKinds } from '../src/stores/registry.ts';

const root = join(import.meta.dirname, '..');
const pages = new Map(
  ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })]
    .filter((file) => file.endsWith('.md'))
    .map((file) => (existsSync(join(root, file)) ? file : join('docs', file)))
    .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
);
const everything = [...pages.values()].join('\n');

const page = (name: string): string => {
  const text = pages.get(join('docs', name));
  assert.ok(text, `there is no page ${name}`);
  return text;
};

/** What comes below a heading of the second level. */
const section = (name: string, heading: string): string =>
  page(name)
    .split(/^## /m)
    .find((text) => text.startsWith(heading)) ?? '';

test('every option is in the manuals, and every option that they give a command is one of its own', async () => {
  const told = new Set(optionsIn(everything));
  const options = new Map<string, Set<string>>();
  for (const { name } of commands) {
    const { stdout } = await holdfast([name, '--help']);
    options.set(name, new Set(stdout.match(/(?<=^ {2}(-\w, )?)--[a-z-]+/gm)));
  }
  assert.deepEqual(
    [...new Set([...options.values()].flatMap((each) => [...each]))].filter((option) => !told.has(option)),
    [],
  );
  const given = [...everything.matchAll(/\bholdfast ([^\n`|#]*)/g)].flatMap(([, line = '']) => {
    const name = line.split(' ').find((word) => options.has(word));
    return name === undefined ? [] : optionsIn(line).map((option) => ({ name, option }));
  });
  assert.ok(given.length > 50);
  assert.deepEqual(
    given.filter(({ name, option }) => !options.get(name)?.has(option)),
    [],
  );
});

const optionsIn = (text: string): string[] => text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [];

test('every key of the configuration file is in the manuals, those of a kind where it is described', () => {
  assert.deepEqual(untold(jsonSchema(), everything), []);
  const kinds = [
    ...[...sourceKinds.values()].map((kind) => ({
      ...kind,
      text: page(`sources/${kind.name}.md`) + page('configuration.md'),
    })),
    ...[...storeKinds.values()].map((kind) => ({ ...kind, text: section('stores.md', `\`${kind.name}\``) })),
    ...[...notifierKinds.values()].map((kind) => ({
      ...kind,
      text: section('notifiers.md', `\`${kind.name}\``),
    })),
  ];
  assert.deepEqual(
    kinds.flatMap(({ name, schema, text }) =>
      untold(jsonSchemaOf(schema), text).map((key) => `${name}: ${key}`),
    ),
    [],
  );
});

/** Keys of a schema that stand in no code of a text; how a secret is written is told once for all. */
const untold = (schema: JsonSchema, text: string): string[] => {
  const code = new Set(text.match(/```.*?```|`[^`\n]+`/gs)?.flatMap((part) => part.match(/\w+/g) ?? []));
  return [...new Set(keysIn(schema))].filter((key) => !code.has(key) && !/^(file|env|command)$/.test(key));
};

const keysIn = (schema: unknown): string[] => {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([name, part]) =>
    name === 'properties' ? [...Object.keys(part), ...Object.values(part).flatMap(keysIn)] : keysIn(part),
  );
};

test('every exit status is in the manual', () => {
  const told = section('command-line.md', 'Exit statuses')
    .match(/(?<=^\| )\d+/gm)
    ?.map(Number);
  assert.deepEqual(told, [...Object.keys(statusTexts).map(Number), readerGoneStatus]);
});

test('every configuration in the manuals is a sound file', () => {
  const shown = [...everything.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);
  const files = shown.filter((text) => /^(sources|repositories):/m.test(text));
  assert.ok(files.length > 20);
  for (const file of files) assert.deepEqual(mistakesIn(file), [], file);
});

test('every link in the manuals leads somewhere', () => {
  const broken = [...pages].flatMap(([file, text]) =>
    [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .filter(([, path = '', anchor]) => !leadsTo(path === '' ? file : join(dirname(file), path), anchor))
      .map(([link]) => `${file}: ${link}`),
  );
  assert.deepEqual(broken, []);
});

const leadsTo = (path: string, anchor: string | undefined): boolean => {
  if (anchor === undefined) return existsSync(join(root, path));
  const headings = pages.get(path)?.match(/(?<=^#+ ).*/gm) ?? [];
  return headings.some((heading) => anchorOf(heading) === anchor);
};

/** As GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
