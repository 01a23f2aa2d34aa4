// Compiles wasm/assembly into the one module that is checked in as src/lib/wasm/module.ts: `npm run wasm`.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const root = join(import.meta.dirname, '..');

/** Where the compiled module is checked in. */
export const modulePath = join(root, 'src', 'lib', 'wasm', 'module.ts');

const options = [
  'main.ts',
  '--outFile=main.wasm',
  '-O3',
  '--converge',
  '--noAssert',
  '--runtime=stub',
  '--importMemory',
  '--noExportMemory',
];

/** The text of module.ts, made from the sources; the same sources always give the same text. */
export const buildModule = async (): Promise<string> => {
  let compiled: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [...options, `--baseDir=${join(import.meta.dirname, 'assembly')}`],
    {
      readFile: (name, baseDir) => readFile(join(baseDir, name), 'utf8').catch(() => null),
      writeFile: (_name, contents) => {
        if (typeof contents !== 'string') compiled = contents;
      },
    },
  );
  if (error || !compiled) throw new Error(`asc could not compile wasm/assembly:\n${stderr.toString()}`);
  return `// Made from wasm/assembly by \`npm run wasm\`; not to be edited.
export const moduleBase64 =
  '${Buffer.from(compiled).toString('base64')}';
`;
};

if (import.meta.main) await writeFile(modulePath, await buildModule());
