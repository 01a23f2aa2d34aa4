// What of a backup is to be restored, and where it goes.

import { decodeName } from '../path-names.ts';
import type * as shared from '../restore-goal.ts';
import { type Parts, partsOf } from '../schema-tables.ts';
import { databasePath, dataFolder } from './layout.ts';

export type Selection = shared.Selection<Parts>;
export type Goal = shared.Goal<Parts>;

/** 'shop/data/dbo.orders', 'shop/data/dbo.*' for a schema. */
export const tablePlaces: shared.TablePlaces<Parts> = {
  databasePath,
  dataFolder,
  tablePath: '<schema>.<table>',
  partsOf: (tables) => partsOf(tables, decodeName),
};
