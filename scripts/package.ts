// `npm run package`: src/*.ts → dist/*.js, because Node strips types only outside node_modules. The types are blanked out by Node
// itself, as in a clone, so what runs is what was tested, and lines in stack traces are those of the sources.
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';

const source = join(import.meta.dirname, '..', 'src');
const dist = join(import.meta.dirname, '..', 'dist');
const onlyForTests =
  /\.test\.ts$|(^|\/)testing(-[a-z]+)?\.ts$|^(sources|stores|notifiers)\/contract(-[a-z]+)?\.ts$/;

/** `from './seal.ts'`, `import('#cli/process.ts')` */
const ownImports = /(?<=\b(?:from|import) |\bimport\()'((?:#|\.{1,2}\/)[^']+)\.ts'/g;

const toJavaScript = (code: string): string =>
  stripTypeScriptTypes(code, { mode: 'strip' }).replaceAll(ownImports, "'$1.js'");

const place = (file: string): string => {
  const path = join(dist, file);
  mkdirSync(dirname(path), { recursive: true });
  return path;
};

rmSync(dist, { recursive: true, force: true });
for (const file of globSync('**/*.ts', { cwd: source }))
  if (!onlyForTests.test(file))
    writeFileSync(
      place(file.replace(/\.ts$/, '.js')),
      toJavaScript(readFileSync(join(source, file), 'utf8')),
    );
for (const file of globSync('**/*.sql', { cwd: source })) cpSync(join(source, file), place(file));
writeFileSync(place('package.json'), `${JSON.stringify({ type: 'module', imports: { '#*': './*' } })}\n`);
chmodSync(join(dist, 'main.js'), 0o755);
