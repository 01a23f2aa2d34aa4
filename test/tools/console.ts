// Sites and their console in one folder, each with a file and a catalog of its own.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach } from 'node:test';
import { holdfast, type Outcome } from '../../src/cli/testing.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { temporaryFolder } from './temp.ts';

export const later = (hours: number): Clock => ({
  ...systemClock,
  now: () => new Date(Date.now() + hours * 3_600_000),
});

export const consoleFolder = (name: string) => {
  const folder = temporaryFolder(name);
  const at = (...parts: string[]): string => join(folder, ...parts);
  const envOf = (who: string) => ({
    HOLDFAST_CATALOG: at(who, 'catalog.db'),
    HOLDFAST_CONFIG: at(who, 'holdfast.yaml'),
    HOME: at('home'),
  });
  /** Bulletins that a test has forged or spoilt; they go when it ends. */
  const forged: string[] = [];
  afterEach(() => {
    for (const path of forged.splice(0)) rmSync(path);
  });
  const bulletinsOf = (site: string): string[] => readdirSync(at('bulletins', site)).toSorted();
  return {
    at,
    envOf,
    run: (who: string, line: string, clock: Clock = systemClock): Promise<Outcome> =>
      holdfast(line.split(' '), { env: envOf(who), clock }),
    write: (who: string, config: object): void => {
      mkdirSync(at(who), { recursive: true });
      writeFileSync(at(who, 'holdfast.yaml'), JSON.stringify(config), { mode: 0o600 });
    },
    bulletinsOf,
    newestOf: (site: string): string => at('bulletins', site, bulletinsOf(site).at(-1) ?? ''),
    plant: (key: string, bytes: Uint8Array): void => {
      const path = at('bulletins', key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      forged.push(path);
    },
    forged,
  };
};
