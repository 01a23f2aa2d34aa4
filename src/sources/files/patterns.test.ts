import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import { compileGlob } from './glob.ts';
import { compilePatterns } from './patterns.ts';

const cases: readonly (readonly [patterns: string[], path: string, matches: boolean])[] = [
  // A relative pattern fits consecutive components anywhere, and everything below them.
  [['*.log'], '/srv/app/today.log', true],
  [['*.log'], '/srv/app/today.log.gz', false],
  [['app'], '/srv/app', true],
  [['app'], '/srv/app/sub/file', true],
  [['app'], '/srv/apple', false],
  [['app/*.log'], '/srv/app/today.log', true],
  [['app/*.log'], '/srv/app/old/today.log', false],
  [['srv/app'], '/srv/app/x', true],
  [['srv/*/x'], '/srv/app/x/y', true],
  [['*'], '/', true],
  // A leading slash anchors a pattern at the root.
  [['/srv/app'], '/srv/app', true],
  [['/srv/app'], '/srv/app/x', true],
  [['/srv/app/'], '/srv/app', true],
  [['/srv//app'], '/srv/app', true],
  [['/srv/x/../app'], '/srv/app', true],
  [['/app'], '/srv/app', false],
  [['/srv/app'], 'srv/app', false],
  [['/srv/*'], '/srv', false],
  [['/*/app'], '/srv/app', true],
  [['/*/app'], '/a/srv/app', false],
  [['/'], '/anything', true],
  // Two stars stand for any number of components, none included.
  [['srv/**/x'], '/srv/x', true],
  [['srv/**/x'], '/srv/a/b/c/x', true],
  [['srv/**/x'], '/home/srv/a/x/y', true],
  [['srv/**/x'], '/srv/a/b/y', false],
  [['/srv/**'], '/srv', true],
  [['/srv/**/x'], '/srv/x', true],
  [['/srv/**/x'], '/home/srv/x', false],
  [['/**/x'], '/a/b/x', true],
  [['**'], '/a', true],
  [['**/x'], '/a/x', true],
  [['a/**/b/**/c'], '/a/1/b/2/3/c', true],
  [['a/**/b/**/c'], '/a/1/2/c', false],
  // Two stars within a name are only stars.
  [['a**b'], '/a/x/b', false],
  [['a**b'], '/axxb', true],
  // The last pattern that matches decides.
  [['*.log', '!keep.log'], '/srv/keep.log', false],
  [['*.log', '!keep.log'], '/srv/lose.log', true],
  [['!keep.log', '*.log'], '/srv/keep.log', true],
  [['/srv/**/*', '!/srv/app', '/srv/app/tmp*'], '/srv/app/x', false],
  [['/srv/**/*', '!/srv/app', '/srv/app/tmp*'], '/srv/app/tmp1/y', true],
  [['/srv/**/*', '!/srv/app', '/srv/app/tmp*'], '/srv/other/y', true],
  // Case counts, and empty patterns do not.
  [['*.LOG'], '/srv/a.log', false],
  [['', '*.log'], '/srv/a.log', true],
  [[''], '/srv/a.log', false],
  [[], '/srv/a.log', false],
];

test('patterns mean what restic says they mean', () => {
  for (const [patterns, path, expected] of cases)
    assert.equal(compilePatterns(patterns).matches(path), expected, `${patterns.join(' ')} on ${path}`);
});

test('without regard to case, neither the case of the pattern nor that of the path counts', () => {
  const patterns = compilePatterns(['*.LoG', 'Straße'], { ignoreCase: true });
  assert.deepEqual(['/a.lOg', '/STRASSE', '/straße/x'].map(patterns.matches), [true, false, true]);
});

test('a folder is worth entering unless nothing below it can match', () => {
  const below = (patterns: string[], path: string): boolean => compilePatterns(patterns).mayMatchBelow(path);
  assert.equal(below(['x'], '/srv'), true);
  assert.equal(below(['/srv/app'], '/srv'), true);
  assert.equal(below(['/srv/app'], '/srv/app/sub'), true);
  assert.equal(below(['/srv/app'], '/home'), false);
  assert.equal(below(['/srv/*/x'], '/srv/a'), true);
  assert.equal(below(['/srv/*/x'], '/srv/a/b'), false);
  assert.equal(below(['/srv/**/x'], '/srv/a/b/c'), true);
  assert.equal(below(['/srv/*', '!/srv/app'], '/srv/app'), false);
  assert.equal(below(['/srv/*', '!/srv/app', '/srv/app/x'], '/srv/app'), true);
  assert.equal(below([], '/srv'), false);
});

test('a malformed pattern is refused by its text', () => {
  assert.throws(
    () => compilePatterns(['*.log', 'a/[b']),
    (error) => hasCode(error, 'CONFIG_INVALID') && error.message.includes('a/[b'),
  );
});

test('any list of patterns agrees with the definition on any path, in any order of asking', () => {
  const random = seededRandom('patterns');
  for (let round = 0; round < 400; round += 1) {
    const list = Array.from({ length: random.integer(1, 7) }, () => anyPattern(random));
    const patterns = compilePatterns(list);
    for (let asked = 0; asked < 25; asked += 1) {
      const path = anyPath(random);
      assert.equal(
        patterns.matches(path),
        matchesByDefinition(list, path),
        `${JSON.stringify(list)} on ${path}`,
      );
    }
  }
});

test('what matches is found by entering only the folders worth entering', () => {
  const random = seededRandom('below');
  for (let round = 0; round < 2000; round += 1) {
    const patterns = compilePatterns(
      [anyPattern(random), anyPattern(random)].filter((text) => !text.startsWith('!')),
    );
    const path = `/${anyPath(random).replace(/^\//, '')}`;
    if (!patterns.matches(path)) continue;
    const folders = path
      .split('/')
      .slice(1, -1)
      .map((_, at) =>
        path
          .split('/')
          .slice(0, at + 2)
          .join('/'),
      );
    for (const folder of folders) assert.ok(patterns.mayMatchBelow(folder), `${path} is below ${folder}`);
  }
});

const names = ['a', 'b', 'ab', 'a.c', 'b.c', 'a.b.c', '.c', 'c'];
const globs = [...names, '*', '**', '*.c', 'a*', '?', '[ab]', '*b*', '[^a]*'];

const anyPath = (random: Random): string =>
  `${random.chance(0.8) ? '/' : ''}${Array.from({ length: random.integer(1, 6) }, () => random.pick(names)).join('/')}`;

const anyPattern = (random: Random): string =>
  `${random.chance(0.2) ? '!' : ''}${random.chance(0.4) ? '/' : ''}${Array.from({ length: random.integer(1, 5) }, () => random.pick(globs)).join('/')}`;

/** The definition, without a thought for speed: '**' is tried as every number of stars, at every place. */
const matchesByDefinition = (list: readonly string[], path: string): boolean =>
  list.reduce((matched, text) => {
    const negated = text.startsWith('!');
    const fits = oneMatches(split(negated ? text.slice(1) : text), split(path));
    return negated ? matched && !fits : matched || fits;
  }, false);

const split = (path: string): string[] =>
  path.startsWith('/') ? ['/', ...path.slice(1).split('/')] : path.split('/');

const oneMatches = (parts: readonly string[], path: readonly string[]): boolean => {
  const stars = parts.indexOf('**');
  if (stars >= 0)
    return Array.from({ length: path.length + 1 }, (_, count) => count).some((count) =>
      oneMatches([...parts.slice(0, stars), ...Array(count).fill('*'), ...parts.slice(stars + 1)], path),
    );
  const anchored = parts[0] === '/';
  const places = anchored ? [0] : path.map((_, at) => at).filter((at) => path[at] !== '/');
  return (
    parts.length > 0 &&
    places.some((at) =>
      parts.every((part, index) => {
        const name = path[at + index];
        return name !== undefined && (part === '/' || name === '/' ? part === name : compileGlob(part)(name));
      }),
    )
  );
};
