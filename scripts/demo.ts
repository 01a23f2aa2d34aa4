// `npm start`: a small shop is backed up, changed, backed up again, verified, restored and compared, by the real commands.
// `npm start -- --keep` leaves the folder for a look around.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { contentOfFolder, contentOfShop } from './demo/compare.ts';
import { changePictures, changeShop, makePictures, makeShop } from './demo/shop.ts';

const holdfastProgram = join(import.meta.dirname, '..', 'holdfast');
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-demo-'));
const inFolder = (...parts: string[]): string => join(folder, ...parts);

const main = (): void => {
  tell(`A shop with a SQLite database and a folder of pictures, in ${folder}`);
  makeShop(inFolder('shop.db'));
  makePictures(inFolder('pictures'));
  writeFileSync(inFolder('password'), 'correct horse battery staple\n');
  chmodSync(inFolder('password'), 0o600);
  mkdirSync(inFolder('restored'));
  console.log(styleText('dim', '$ export HOLDFAST_REPOSITORY=./backups HOLDFAST_PASSWORD_FILE=password'));

  tell('Make a repository, and back both up');
  holdfast('init');
  holdfast('backup shop.db pictures');

  tell('The shop goes on: orders change, a picture is replaced. What is stored again is little');
  changeShop(inFolder('shop.db'));
  changePictures(inFolder('pictures'));
  holdfast('backup shop.db pictures');
  holdfast('snapshots');

  tell('Is each newest snapshot what was captured? Every row is counted and summed again');
  holdfast('verify');

  tell('Bring everything back, elsewhere');
  holdfast('restore latest:shop --to restored/shop.db');
  holdfast('restore latest:pictures --to restored/pictures');
  same(
    'all rows of all tables',
    contentOfShop(inFolder('shop.db')),
    contentOfShop(inFolder('restored', 'shop.db')),
  );
  same(
    'all pictures',
    contentOfFolder(inFolder('pictures')),
    contentOfFolder(inFolder('restored', 'pictures')),
  );

  tell('Or one table only');
  holdfast('ls latest:shop');
  holdfast('restore latest:shop --to restored/orders.db --table orders');
  same(
    'the rows of the orders',
    contentOfShop(inFolder('shop.db'), ['orders']),
    contentOfShop(inFolder('restored', 'orders.db')),
  );

  tell('What was one order in every backup? No database is needed to look');
  holdfast('find --table orders --row id=20000');
  tell('And how did the orders stand, before? Any SELECT will do');
  holdfast('query latest:shop~1 "SELECT state, count(*) AS orders FROM orders GROUP BY state"');

  tell('Is the repository whole, to the last byte?');
  holdfast('check --read-data');
  holdfast('runs');
  tell('Every step did what it said. The repository is in the format of restic, which can read it too.');
};

const tell = (text: string): void => console.log(`\n${styleText('bold', text)}`);

/** Runs it as its user would, with its real output. */
const holdfast = (line: string): void => {
  console.log(styleText('dim', `$ holdfast ${line}`));
  const words = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
  const { status } = spawnSync(holdfastProgram, words, {
    cwd: folder,
    stdio: 'inherit',
    env: {
      ...process.env,
      HOLDFAST_REPOSITORY: './backups',
      HOLDFAST_PASSWORD_FILE: 'password',
      HOLDFAST_CATALOG: inFolder('catalog.db'),
      HOLDFAST_CONFIG: '',
    },
  });
  if (status !== 0) throw new Error(`holdfast ${line} ended with status ${status}`);
};

const same = (what: string, original: string, restored: string): void => {
  if (original !== restored) throw new Error(`${what} are not the same: ${original} became ${restored}`);
  console.log(`${styleText('green', '✓')} ${what} are the same: sha256 ${original.slice(0, 16)}…`);
};

try {
  main();
} catch (error) {
  console.error(styleText('red', `\nThe demo failed: ${error instanceof Error ? error.message : error}`));
  process.exitCode = 1;
} finally {
  if (process.argv.includes('--keep')) console.log(`\nkept: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
