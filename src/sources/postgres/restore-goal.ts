// What of a backup is to be restored, and where it goes.
import { HoldfastError } from '#lib/errors.ts';
import type { QualifiedName } from './identifiers.ts';
import { dataFolder, decodeName } from './layout.ts';
import type { Restoring } from './restore.ts';

/** Tables and schemas of a database; with neither, the tables whose rows come. */
export interface Parts {
  readonly tables: readonly QualifiedName[];
  readonly schemas: readonly string[];
}

/** By database; a database with 'everything' is restored whole. */
export type Selection = 'everything' | ReadonlyMap<string, 'everything' | Parts>;

export interface Goal {
  /** Its name in the backup. */
  readonly database: string;
  /** Its name in the target. */
  readonly name: string;
  readonly parts: 'everything' | Parts;
}

/** Reads paths as they stand in a backup: 'shop', 'shop/data/public.orders', 'shop/data/public.*' for a schema. */
export const parseSelection = (paths: readonly string[] | undefined): Selection => {
  if (paths === undefined || paths.includes('')) return 'everything';
  const selection = new Map<string, 'everything' | { tables: QualifiedName[]; schemas: string[] }>();
  for (const path of paths) {
    const [top = '', folder, part] = path.split('/');
    const database = decodeName(top);
    const known = selection.get(database);
    if (known === 'everything') continue;
    if (folder === undefined) selection.set(database, 'everything');
    else if (folder === dataFolder && part !== undefined) {
      const parts = known ?? { tables: [], schemas: [] };
      selection.set(database, parts);
      const [schema = '', name = ''] = part.split('.').map(decodeName);
      if (name === '*') parts.schemas.push(schema);
      else parts.tables.push({ schema, name });
    } else
      throw new HoldfastError('USAGE', `${path} cannot be restored into a database by itself`, {
        hint: `restore the database ${database}, or tables: ${top}/${dataFolder}/<schema>.<table>`,
      });
  }
  return selection;
};

/** Where a database goes: where it is renamed to, else the one database that the target names, else its own name. */
export const goalFor = (restoring: Restoring, database: string, earlier: readonly Goal[]): Goal => {
  const { config, settings, into, selection } = restoring;
  const parts =
    selection === 'everything' ? selection : (selection.get(database) ?? { tables: [], schemas: [] });
  const renamed = into.rename.find(([from]) => from === database)?.[1];
  const named = config.databases === undefined ? settings.database : undefined;
  const name = renamed ?? named ?? database;
  const rival = earlier.find((goal) => goal.name === name);
  if (!rival) return { database, name, parts };
  throw new HoldfastError(
    'USAGE',
    `both ${rival.database} and ${database} would become the database ${name}`,
    {
      hint: 'choose one of them with --path, or leave the database out of the target’s URL',
    },
  );
};
