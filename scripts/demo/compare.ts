// What is in a database or folder, as one digest: the proof that a restore brought the same back.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** All tables with all rows, read by SQLite itself; or some of them. */
export const contentOfShop = (path: string, only?: readonly string[]): string => {
  using db = new DatabaseSync(path, { readOnly: true });
  const digest = createHash('sha256');
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  for (const { name } of tables) {
    if (only && !only.includes(String(name))) continue;
    digest.update(`table ${name}\n`);
    for (const row of db.prepare(`SELECT * FROM "${name}" ORDER BY id`).iterate())
      digest.update(`${JSON.stringify(row)}\n`);
  }
  return digest.digest('hex');
};

/** All files by name and content. */
export const contentOfFolder = (folder: string): string => {
  const digest = createHash('sha256');
  for (const name of readdirSync(folder).sort())
    digest.update(`${name}\0`).update(
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest(),
    );
  return digest.digest('hex');
};
