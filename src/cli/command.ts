// What a command is: its name, what it takes, how it is explained, and what it does.
import type { Clock } from '#lib/clock.ts';
import type { Output } from './output.ts';

/** An option of a command; its value's type comes from how it was made. */
export interface OptionSpec<Value> {
  /** As commander has it: '-n, --dry-run', '--tag <tag>', '--read-data [share]'. */
  readonly flags: string;
  readonly text: string;
  readonly repeatable: boolean;
  /** What it is when it is not given. */
  readonly absent: Value;
}

/** True when given. */
export const flag = (flags: string, text: string): OptionSpec<boolean> => ({
  flags,
  text,
  repeatable: false,
  absent: false,
});

/** The text given with it. */
export const value = (flags: string, text: string): OptionSpec<string | undefined> => ({
  flags,
  text,
  repeatable: false,
  absent: undefined,
});

/** The text given with it, or true when it stands alone. */
export const optionalValue = (flags: string, text: string): OptionSpec<string | true | undefined> => ({
  flags,
  text,
  repeatable: false,
  absent: undefined,
});

/** Every text given with it; the option may be repeated. */
export const list = (flags: string, text: string): OptionSpec<readonly string[]> => ({
  flags,
  text: `${text} (may be repeated)`,
  repeatable: true,
  absent: [],
});

export type OptionSpecs = Readonly<Record<string, OptionSpec<unknown>>>;
export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name]['absent'];
};

export interface ArgumentSpec {
  /** '<snapshot>', '[path]', '[job...]' */
  readonly usage: string;
  readonly text: string;
  readonly choices?: readonly string[];
}

/** Options that every command understands, before or after its name. */
export interface GlobalOptions {
  readonly config: string | undefined;
  readonly repository: string | undefined;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: string | undefined;
  /** KiB per second, 0 being unlimited; they take the place of what the configuration says. */
  readonly limitUpload: number | undefined;
  readonly limitDownload: number | undefined;
  /** How long to wait for locks that are in the way; as long as the command likes when absent. */
  readonly retryLockMs: number | undefined;
  readonly noCache: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** What a command gets from the world. Tests hand in their own. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Asks on the terminal without showing what is typed; absent when there is no terminal. */
  readonly askSecret?: (question: string) => Promise<string>;
  /** Lets signals end the process where it is, instead of firing `signal`; absent where others are in the same process. */
  readonly endOnSignals?: () => void;
}

export interface Call<Specs extends OptionSpecs = OptionSpecs> extends World {
  /** In the order of the command's arguments; the words of a repeated one end the list. */
  readonly args: readonly string[];
  readonly options: OptionValues<Specs>;
  readonly global: GlobalOptions;
  readonly output: Output;
}

export interface Command<Specs extends OptionSpecs = OptionSpecs> {
  /** A paragraph or two for `--help`. */
  readonly description: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: Specs;
  /** Command lines without the leading `holdfast`, each with what it does. */
  readonly examples: readonly (readonly [line: string, text: string])[];
  /**
   * False: the command works on no repository, so -r, the password options and those of the store are refused. 'of-jobs': on those
   * of its jobs, which -r cannot name.
   */
  readonly onRepository?: false | 'of-jobs';
  /** Beyond 0, 1, 2 and 130, which every command has. */
  readonly statuses: readonly number[];
  /** Ends with the exit status; an error thrown is reported and ends with its own. */
  run(call: Call<Specs>): Promise<number>;
}

/** A command whose `run` knows the types of its options. */
export const defineCommand = <Specs extends OptionSpecs>(command: Command<Specs>): Command =>
  command as unknown as Command;

/** What each exit status means, for `--help`. */
export const statusTexts: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'failed',
  2: 'usage or configuration is wrong',
  3: 'done, but some items failed; each is named',
  4: 'a difference was found',
  10: 'no repository there',
  11: 'the repository is locked',
  12: 'wrong password',
  13: 'a source is unreachable or refused',
  14: 'the store is unreachable, refused or full',
  15: 'the restore target is not empty',
  130: 'cancelled',
};
