// What of a backup is to be restored, and where it goes.
import type * as shared from '../restore-goal.ts';
import type { QualifiedName } from './identifiers.ts';
import { databasePath, dataFolder, decodeName } from './layout.ts';

/** Tables and schemas of a database; with neither, the tables whose rows come. */
export interface Parts {
  readonly tables: readonly QualifiedName[];
  readonly schemas: readonly string[];
}

export type Selection = shared.Selection<Parts>;
export type Goal = shared.Goal<Parts>;

/** 'shop/data/public.orders', 'shop/data/public.*' for a schema. */
export const tablePlaces: shared.TablePlaces<Parts> = {
  databasePath,
  dataFolder,
  tablePath: '<schema>.<table>',
  partsOf(tables) {
    const names = tables.map((table) => table.split('.').map(decodeName));
    return {
      tables: names.flatMap(([schema = '', name = '']) =>
        name === '' || name === '*' ? [] : [{ schema, name }],
      ),
      schemas: names.flatMap(([schema = '', name]) => (name === '*' ? [schema] : [])),
    };
  },
};
