// Contenders doing the same work in turns: A B C, A B C, …, so that a machine that gets slower is slow for all of them.
import { type Command, type Measurement, measure } from './measure.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface Contender {
  readonly name: string;
  /** Brings everything into the state the command starts from; not measured. */
  prepare(): Promise<void> | void;
  readonly command: Command;
  /** Throws when what came out is wrong; asked once, after the first round. */
  check?(): Promise<void> | void;
  /** The bytes that the command has stored; asked after each round. */
  stored?(): number;
}

/** What a ratio must be; all are so that more is better. */
export interface Target {
  /** 'wall': how many times faster than the peer; 'stored': how many times smaller. */
  readonly of: 'wall' | 'stored';
  readonly atLeast: number;
}

export interface Result {
  readonly name: string;
  readonly command: string;
  readonly wallSeconds: Spread;
  readonly cpuSeconds: Spread;
  readonly peakBytes: Spread;
  readonly storedBytes?: Spread;
  readonly rounds: readonly (Measurement & { readonly storedBytes?: number })[];
}

export interface Comparison {
  readonly title: string;
  readonly target?: Target;
  /** Holdfast first, then its peers. */
  readonly results: readonly Result[];
}

export interface ComparisonOptions {
  readonly title: string;
  readonly target?: Target;
  readonly rounds: number;
  readonly contenders: readonly Contender[];
}

/** Runs all rounds of all contenders. Each round begins with another one: the first that touches memory anew takes longer. */
export const compare = async (options: ComparisonOptions): Promise<Comparison> => {
  const { title, target, rounds, contenders } = options;
  const measured = contenders.map(() => [] as (Measurement & { storedBytes?: number })[]);
  for (let round = 0; round < rounds; round += 1)
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const at = (round + turn) % contenders.length;
      const contender = contenders[at] as Contender;
      await contender.prepare();
      const measurement = await measure(contender.command);
      if (round === 0) await contender.check?.();
      const storedBytes = contender.stored?.();
      measured[at]!.push({ ...measurement, ...(storedBytes !== undefined && { storedBytes }) });
    }
  const results = contenders.map(({ name, command }, at) => resultOf(name, command.line, measured[at]!));
  return { title, ...(target && { target }), results };
};

const resultOf = (name: string, command: string, rounds: Result['rounds']): Result => {
  const stored = rounds.flatMap(({ storedBytes }) => (storedBytes === undefined ? [] : [storedBytes]));
  return {
    name,
    command,
    wallSeconds: spreadOf(rounds.map(({ wallSeconds }) => wallSeconds)),
    cpuSeconds: spreadOf(rounds.map(({ cpuSeconds }) => cpuSeconds)),
    peakBytes: spreadOf(rounds.map(({ peakBytes }) => peakBytes)),
    ...(stored.length > 0 && { storedBytes: spreadOf(stored) }),
    rounds,
  };
};
