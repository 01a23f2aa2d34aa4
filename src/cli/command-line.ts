// The command line as commander reads it; commander is met here only.
import { Argument, CommanderError, Option, Command as Parser } from 'commander';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Command, GlobalOptions, OptionSpecs, OptionValues } from './command.ts';
import { statusTexts } from './command.ts';
import { type CommandEntry, commands } from './commands.ts';

/** What was asked for: a command with its words, or a text to show (help). */
export type Asked =
  | {
      readonly what: 'command';
      readonly name: string;
      readonly command: Command;
      readonly args: readonly string[];
      readonly options: OptionValues<OptionSpecs>;
      readonly global: GlobalOptions;
    }
  | { readonly what: 'help'; readonly text: string };

/** Reads the words after `holdfast`. USAGE for what nobody knows, with a suggestion where one is near. */
export const readCommandLine = async (words: readonly string[], columns: number): Promise<Asked> => {
  let help = '';
  let asked: Asked | undefined;
  const program = parserOf((text) => (help += text), columns);
  for (const entry of commands) addCommand(program, entry, (found) => (asked = found));
  addHelpCommand(program);
  try {
    await program.parseAsync(wordsFor(words, program), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { what: 'help', text: help };
    throw usageError(error, program);
  }
  return asked ?? { what: 'help', text: help };
};

/** Global options as given so far, for errors that come before the command line is understood. */
export const wantsJson = (words: readonly string[]): boolean => words.includes('--json');

const wordsFor = (words: readonly string[], program: Parser): string[] => {
  if (words[0] === '--version' || words[0] === '-V') return ['version'];
  const { operands, unknown } = parserOf(() => {}, 80).parseOptions([...words]); // the real one reads them once
  const [name] = operands;
  if (name === undefined && unknown.length === 0) return ['--help'];
  const isKnown = name === undefined || program.commands.some((one) => one.name() === name);
  return isKnown ? [...words] : [name]; // alone it is refused; with --help the general help would be shown
};

const parserOf = (write: (text: string) => void, columns: number): Parser =>
  new Parser('holdfast')
    .description(
      'Back up databases and the files beside them, know that each backup restores, get any part back.',
    )
    .usage('<command> [options]')
    .addOption(
      once(
        '-c, --config <file>',
        'the configuration file (default: holdfast.yaml here, or $HOLDFAST_CONFIG)',
      ),
    )
    .addOption(
      once('-r, --repository <place>', 'a folder, a URL, or the name of one in the configuration file'),
    )
    .addOption(once('--password-file <file>', "a file that holds the repository's password"))
    .addOption(once('--password-command <command>', "a command that prints the repository's password"))
    .addOption(once('--limit-upload <rate>', 'store no more than so many KiB/s on average; 0 is unlimited'))
    .addOption(once('--limit-download <rate>', 'read no more than so many KiB/s on average; 0 is unlimited'))
    .addOption(
      once('--retry-lock <duration>', 'wait so long for a repository that others have locked, e.g. 5m'),
    )
    .option('--no-cache', 'keep nothing of distant stores on this machine')
    .option('--json', 'print one JSON object a line')
    .option('-q, --quiet', 'print only results and errors')
    .option('-v, --verbose', 'print more')
    .configureOutput({ writeOut: write, writeErr: () => {}, getOutHelpWidth: () => columns })
    .configureHelp({ helpWidth: columns, showGlobalOptions: true })
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .exitOverride()
    .addHelpText('after', afterHelp);

const once = (flags: string, text: string): Option => new Option(flags, text).argParser(onlyOnce(flags));

const afterHelp = `
Examples:
  $ holdfast -r /backups init
  $ holdfast -r /backups backup postgres://db.internal/shop /srv/media
  $ holdfast restore latest:shop --to postgres://db.internal/shop_copy

\`holdfast <command> --help\` tells more, with examples and exit statuses.
The password is asked for, or read from HOLDFAST_PASSWORD, HOLDFAST_PASSWORD_FILE or HOLDFAST_PASSWORD_COMMAND.`;

const addCommand = (program: Parser, entry: CommandEntry, found: (asked: Asked) => void): void => {
  const parser = program
    .command(entry.name)
    .summary(entry.summary)
    .helpOption('-h, --help', 'show this help');
  let command: Command | undefined;
  let global: GlobalOptions | undefined;
  program.hook('preSubcommand', async (_, called) => {
    if (called !== parser) return;
    global = globalOptions(program);
    command = await entry.load();
    explain(parser, command);
  });
  parser.action(() => {
    if (command === undefined || global === undefined) return;
    found({
      what: 'command',
      name: entry.name,
      command,
      args: parser.args,
      options: optionsOf(parser, command),
      global,
    });
  });
};

const explain = (parser: Parser, { description, args, options, examples, statuses }: Command): void => {
  parser.description(unwrapped(description)).allowExcessArguments(false);
  for (const { usage, text, choices } of args) {
    const argument = new Argument(usage, text);
    parser.addArgument(choices ? argument.choices(choices) : argument);
  }
  for (const { flags, text, repeatable } of Object.values(options)) {
    const option = new Option(flags, text);
    if (repeatable) option.argParser((word: string, before: readonly string[] = []) => [...before, word]);
    else if (option.required || option.optional) option.argParser(onlyOnce(flags)); // those that take a value
    parser.addOption(option);
  }
  const lines = examples.map(([line, text]) => `  $ holdfast ${line}\n      ${text}`);
  const meanings = [0, 1, 2, ...statuses, 130].map(
    (status) => `  ${String(status).padStart(3)}  ${statusTexts[status]}`,
  );
  parser.addHelpText('after', `\nExamples:\n${lines.join('\n')}\n\nExit status:\n${meanings.join('\n')}`);
};

/** Of two values, one would be dropped without a word: a `-t` that was meant for a table must not become a second `--to`. */
const onlyOnce =
  (flags: string) =>
  (word: string, before: unknown): string => {
    if (before === undefined) return word;
    throw new HoldfastError('USAGE', `${flags.replace(/ [<[].*$/, '')} is given twice`, {
      hint: 'it takes one value; `holdfast <command> --help` says which options may be repeated',
    });
  };

/** Single line breaks are the source's; commander breaks lines to the terminal's width. */
const unwrapped = (text: string): string => text.replaceAll(/(?<!\n)\n(?!\n)/g, ' ');

const addHelpCommand = (program: Parser): void => {
  program
    .command('help [command]')
    .summary('show help for a command')
    .helpOption('-h, --help', 'show this help')
    .action(async (name: string | undefined) => {
      const words = name === undefined ? [] : [name, '--help'];
      await program.parseAsync(wordsFor(words, program), { from: 'user' });
    });
};

const optionsOf = (parser: Parser, command: Command): OptionValues<OptionSpecs> => {
  const given: Record<string, unknown> = parser.opts();
  return Object.fromEntries(
    Object.entries(command.options).map(([name, { flags, absent }]) => {
      const option = new Option(flags);
      const found = given[option.attributeName()];
      return [name, option.negate ? found === false : (found ?? absent)]; // commander takes --no-lock as lock: false
    }),
  );
};

const globalOptions = (program: Parser): GlobalOptions => {
  const given: Record<string, unknown> = program.opts();
  const text = (name: string): string | undefined => {
    const found = given[name];
    return typeof found === 'string' ? found : undefined;
  };
  const global = {
    config: text('config'),
    repository: text('repository'),
    passwordFile: text('passwordFile'),
    passwordCommand: text('passwordCommand'),
    limitUpload: rateOf('--limit-upload', text('limitUpload')),
    limitDownload: rateOf('--limit-download', text('limitDownload')),
    retryLockMs: durationOf('--retry-lock', text('retryLock')),
    noCache: given.cache === false, // as commander takes --no-cache
    json: given.json === true,
    quiet: given.quiet === true,
    verbose: given.verbose === true,
  };
  if (global.quiet && global.verbose) throw new HoldfastError('USAGE', '-q and -v contradict each other');
  return global;
};

const rateOf = (option: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new HoldfastError('USAGE', `${option} ${text} is not a whole number of KiB per second`);
};

const durationOf = (option: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  try {
    return durationMs(text);
  } catch (error) {
    throw new HoldfastError('USAGE', `${option}: ${messageOf(error)}; write 30s, 5m or 1h`);
  }
};

/** Commander's sentence without its prefix; its «(Did you mean …?)» becomes part of it, unless we know better. */
const usageError = ({ message }: CommanderError, program: Parser): HoldfastError => {
  const [sentence = '', guess] = message.replace(/^error: /, '').split(/\s*\n\s*\(Did you mean ([^?]+)\?\)/);
  const meant = nameHere(sentence, program) ?? guess;
  const text = meant === undefined ? sentence : `${sentence}; did you mean ${meant}?`;
  return new HoldfastError('USAGE', text.replaceAll("'", '"'), {
    hint: '`holdfast --help` lists the commands, `holdfast <command> --help` their options',
  });
};

const nameHere = (sentence: string, { args: [command] }: Parser): string | undefined => {
  const [, word = ''] = /^unknown (?:option|command) '([^'=]*)/.exec(sentence) ?? [];
  return namesElsewhere.get(word) ?? namesElsewhere.get(`${command} ${word}`);
};

/** What restic, borg and pg_restore call commands and options of ours, which are spelled too differently to be guessed. */
const namesElsewhere: ReadonlyMap<string, string> = new Map([
  ['--repo', '--repository'],
  ['restore --target', '--to'],
  ['restore --dbname', '--to'],
  ['restore -d', '--to'],
  ['restore --clean', '--force'],
  ['check --read-data-subset', '--read-data'],
  ['snapshots --path', '--source'],
  ['-p', '--password-file'],
  ['copy --from-repo', '--to, with -r for where they come from'],
  ['create', 'backup'],
  ['extract', 'restore'],
  ['delete', 'forget'],
  ['compact', 'prune'],
  ['rebuild-index', 'repair index'],
]);
