// What of a backup is to be restored, and where it goes.

import { decodeName } from '../path-names.ts';
import type * as shared from '../restore-goal.ts';
import { fits } from '../restore-goal.ts';
import { databasePath, dataFolder } from './layout.ts';

/** Tables of a database by name or by the beginning of it; without any, those whose rows come. */
export interface Parts {
  readonly isAsked: (table: string) => boolean;
}

export type Selection = shared.Selection<Parts>;
export type Goal = shared.Goal<Parts>;

/** 'shop/data/orders', 'shop/data/log_*'. */
export const tablePlaces: shared.TablePlaces<Parts> = {
  databasePath,
  dataFolder,
  tablePath: '<table>',
  partsOf: (tables) => ({ isAsked: (table) => tables.some((one) => fits(decodeName(one), table)) }),
};
