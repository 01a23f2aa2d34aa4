// What the console has seen of its sites.
import type { DatabaseSync } from 'node:sqlite';
import { explained } from './database.ts';

export interface SiteLedger {
  /** A bulletin of that time was opened. */
  told(site: string, at: Date): void;
  /** The newest that ever was. */
  lastTold(site: string): Date | undefined;
}

export const siteLedger = (database: DatabaseSync, path: string): SiteLedger => ({
  told: (site, at) =>
    explained(path, () => {
      database.prepare('INSERT OR REPLACE INTO sites VALUES (?, ?)').run(site, at.getTime());
    }),
  lastTold: (site) =>
    explained(path, () => {
      const row = database.prepare('SELECT told_ms FROM sites WHERE site = ?').get(site);
      return row && new Date(Number(row.told_ms));
    }),
});
