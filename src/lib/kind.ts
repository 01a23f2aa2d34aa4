// What every plug (source, store, notifier) shows of itself before it is opened.
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** A strict zod object: parsing, help, JSON Schema and forms come from it. `.describe()` every key. */
export type Schema<Config> = z.ZodType<Config>;

export interface Kind<Config, Opened> {
  /** 'postgres': the folder's name, and `kind:` in the configuration file. */
  readonly name: string;
  readonly config: Schema<Config>;
  /** Other names for `kind:`. */
  readonly aliases?: readonly string[];
  /** URL schemes it answers to besides its name: 'postgresql', 'file'. */
  readonly schemes?: readonly string[];
  /** The configuration that a URL (or a path) on the command line stands for; absent when the kind has no such form. */
  readonly fromUrl?: (url: string) => Config;
  /** Where it is, so that two configurations of one place are known as such: what lies in it begins with that and a slash. */
  readonly locationOf?: (config: Config) => string;
  /** Imports what `open` will need, for whoever has the time before it is needed. */
  readonly load?: () => Promise<unknown>;
  /** Heavy clients are imported here, on first use; remote ones connect lazily. */
  open(config: Config, context: Context): Promise<Opened>;
}

/** What a plug is given by whoever opens it. */
export interface Context {
  /** The name the user gave it in the file (`shop`), or one made from the URL. */
  readonly name: string;
  /** Fires when the run is cancelled; every wait must end soon after. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly clock: Clock;
}
