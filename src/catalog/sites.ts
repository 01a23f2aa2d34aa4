// What the console has seen of its sites.
import type { DatabaseSync } from 'node:sqlite';
import { explained } from './database.ts';

export interface SiteLedger {
  /** A bulletin of that time was opened. */
  told(site: string, at: Date): void;
  /** The newest that ever was. */
  lastTold(site: string): Date | undefined;
  /** All that were ever seen, and not forgotten. */
  names(): string[];
  forget(site: string): void;
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
  names: () =>
    explained(path, () =>
      database
        .prepare('SELECT site FROM sites ORDER BY site')
        .all()
        .map(({ site }) => String(site)),
    ),
  forget: (site) =>
    explained(path, () => {
      database.prepare('DELETE FROM sites WHERE site = ?').run(site);
    }),
});
