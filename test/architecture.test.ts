// Who may import whom. One table, and a reason beside each line that is not obvious.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

const contracts = ['sources/source.ts', 'sources/manifest.ts', 'stores/store.ts'];
const everything = [
  'lib',
  'config',
  'sources',
  'stores',
  'notifiers',
  'repository',
  'archive',
  'catalog',
  'jobs',
];

const allowed: Record<string, readonly string[]> = {
  lib: [],
  // The kinds' schemas make up the file's; what it says of archives and stores is judged as a run does.
  config: [
    'lib',
    'archive/format.ts',
    'archive/name.ts',
    'sources/abilities.ts',
    'sources/only-database.ts',
    'sources/registry.ts',
    'sources/source.ts',
    'stores/apart.ts',
    'stores/registry.ts',
    'notifiers/registry.ts',
  ],
  sources: ['lib'],
  stores: ['lib'],
  notifiers: ['lib'],
  // Contracts only: no engine, no bucket; but worker threads store packs in a local folder themselves.
  repository: ['lib', ...contracts, 'stores/local/write-object.ts'],
  archive: ['lib', ...contracts],
  catalog: ['lib'],
  jobs: everything,
  daemon: everything,
  cli: [...everything, 'daemon'],
  'main.ts': ['lib', 'cli'],
};
/** Modules whose sub-folders are plugs: none may see a sibling. */
const plugModules = ['sources', 'stores', 'notifiers'];

const root = join(import.meta.dirname, '..', 'src');
const isTest = (file: string): boolean => file.endsWith('.test.ts') || file.endsWith('testing.ts');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !isTest(file),
);
const importsOf = (file: string): string[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /^(?:import|export)[^;]*?from '([^']+)'|import\('([^']+)'\)/gm,
    ),
  ].map((match) => (match[1] ?? match[2]) as string);

/** At once, and not for their types alone. */
const loadedBy = (file: string): string[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /^(?:import|export)(?! type)(?:[^;]*? from)? '([^']+)'/gm,
    ),
  ].map((match) => match[1] as string);

test('modules import only what the table allows', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const module = file.split('/')[0] as string;
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) {
        const target = relative('.', normalize(join(dirname(file), specifier)));
        if (target.split('/')[0] !== module)
          wrong.push(`${file} leaves its module by a relative import: ${specifier}`);
      } else if (specifier.startsWith('#')) {
        const target = specifier.slice(1);
        const fits = (rule: string): boolean => target === rule || target.startsWith(`${rule}/`);
        if (target.split('/')[0] === module)
          wrong.push(`${file} imports its own module across: ${specifier}`);
        else if (!(allowed[module] ?? []).some(fits)) wrong.push(`${file} may not import ${specifier}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('worker threads load no package, so that they start quickly', () => {
  const packagesOf = (file: string, seen = new Set<string>()): string[] => {
    if (seen.has(file)) return [];
    seen.add(file);
    return loadedBy(file).flatMap((specifier) => {
      if (specifier.startsWith('node:')) return [];
      if (specifier.startsWith('#')) return packagesOf(specifier.slice(1), seen);
      if (specifier.startsWith('.')) return packagesOf(normalize(join(dirname(file), specifier)), seen);
      return [`${file} loads ${specifier}`];
    });
  };
  const workers = files.filter((file) => file.endsWith('-worker.ts'));
  assert.ok(workers.length >= 3);
  assert.deepEqual(
    workers.flatMap((worker) => packagesOf(worker)),
    [],
  );
});

test('no plug sees a sibling', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const [module, plug, ...rest] = file.split('/') as [string, string, ...string[]];
    if (!plugModules.includes(module) || rest.length === 0) continue;
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const target = normalize(join(dirname(file), specifier)).split('/');
      if (target.length > 2 && target[1] !== plug) wrong.push(`${file} sees ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('no file is a barrel or a bag', () => {
  const bags = /(^|\/)(index|utils|types|helpers|manager|service)\.ts$/;
  assert.deepEqual(
    files.filter((file) => bags.test(file)),
    [],
  );
});

test('no file is longer than 400 lines', () => {
  const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 400);
  assert.deepEqual(long, []);
});
