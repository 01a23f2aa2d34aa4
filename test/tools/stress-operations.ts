// What the random driver may do, each command with what it promises.
import type { Random } from '#lib/random.ts';
import type { CliResult } from './cli.ts';
import { compareContent } from './stress-oracle.ts';
import { type Content, restoring, type StartOptions, type StressPlace, type Tool } from './stress-place.ts';

/** A snapshot as restic lists it. */
export interface Seen {
  readonly id: string;
  readonly tree: string;
  /** The tag of the backup that it is of: `tag` and `copy` give it another id. */
  readonly label: string;
  readonly source: string;
  readonly tags: readonly string[];
  /** What rules are applied to together. */
  readonly group: string;
  readonly timeMs: number;
}

export interface Operation extends StartOptions {
  readonly tool: Tool;
  readonly words: readonly string[];
  /** Labels that are there when it ended well. */
  readonly adds?: readonly string[];
  /** It stores snapshots that are there already under new ids. */
  readonly rewrites?: true;
  /** What is not there any more when it ended well. */
  readonly removes?: Seen;
  /** Of each group the newest stay. */
  readonly keepLast?: number;
  /** Statuses beside 0, and 11 for a locked repository. */
  readonly statuses?: readonly number[];
  ended?(result: CliResult): void;
}

/** A password beside the main one: when nobody is running, one of the candidates opens the repository. */
export interface Door {
  candidates: readonly string[];
  /** Of its key. */
  readonly id: string;
  /** A command may have removed it, or has. */
  removal: 'none' | 'begun' | 'done';
}

export interface Stress {
  readonly place: StressPlace;
  /** What each label stands for. */
  readonly backups: Map<string, { readonly source: string; readonly content: Content }>;
  readonly otherLabels: readonly string[];
  /** What was there when last nobody was running, in the order of backups. */
  present: readonly Seen[];
  /** Labels of which a snapshot must be there. */
  readonly promised: Set<string>;
  /** The commands of this round that have ended. */
  readonly ended: { readonly operation: Operation; readonly endedWell: boolean }[];
  doors: Door[];
  /** Counts backups and passwords. */
  number: number;
  /** What the sources hold now. */
  contents: ReadonlyMap<string, Content>;
  /** Hidden damage is what only reading every byte would find: a backup may rely on what is damaged. */
  damage: 'none' | 'open' | 'hidden';
  /** Clocks are wrong, and locks are removed while their holders work: restic does not notice that, and is not asked. */
  isLawless: boolean;
  readonly counts: { rounds: number; operations: number; signals: number; damages: number; restores: number };
  note(line: string): void;
}

/** Chosen by chance alone, and of snapshots and keys among those that were there when nobody was running. */
export const chooseOperation = (stress: Stress, random: Random): Operation => {
  const isDamaged = stress.damage !== 'none';
  if (stress.isLawless) {
    const operation = make(stress, 'holdfast', lawlessMakers, random);
    return { ...operation, aheadMs: random.pick([0, 0, -hourMs, hourMs]) };
  }
  const tool = isDamaged ? 'holdfast' : random.pick<Tool>(['holdfast', 'holdfast', 'old', 'new']);
  const allowed = makers.filter(([, , mayMeetDamage]) => mayMeetDamage || !isDamaged);
  return make(stress, tool, allowed, random);
};

const make = (stress: Stress, tool: Tool, makers: readonly Maker[], random: Random): Operation => {
  let left = random.integer(
    0,
    makers.reduce((sum, [weight]) => sum + weight, 0),
  );
  for (const [weight, make] of makers) {
    left -= weight;
    if (left < 0) return make(stress, tool, random) ?? backUp(stress, tool, random);
  }
  return backUp(stress, tool, random);
};

/** Undefined where there is nothing to do it to. */
type Make = (stress: Stress, tool: Tool, random: Random) => Operation | undefined;

/** What the sources hold at this moment; they stay so until nobody is running. */
const backUp = (stress: Stress, tool: Tool, random: Random): Operation => {
  const { place, backups, contents } = stress;
  const source = random.pick(place.sources.filter((each) => tool === 'holdfast' || !each.endsWith('.db')));
  stress.number += 1;
  const label = `op-${stress.number}`;
  backups.set(label, { source, content: contents.get(source) ?? new Map() });
  const what = `${source.endsWith('.db') ? 'sqlite:' : ''}${place.at(source)}`;
  return { tool, words: ['backup', what, '--tag', label], adds: [label], statuses: [3] };
};

/** One that is there; it may have another id meanwhile, or be gone. */
const toOne =
  (make: (seen: Seen, stress: Stress, tool: Tool, random: Random) => Operation): Make =>
  (stress, tool, random) =>
    stress.present.length === 0
      ? undefined
      : { ...make(random.pick(stress.present), stress, tool, random), statuses: [1] };

const forgetOne = toOne((removes, _, tool, random) => {
  const words = ['forget', removes.id, ...(tool === 'holdfast' ? ['--force'] : [])];
  return { tool, words: random.chance(0.3) ? [...words, '--prune'] : words, removes };
});

const forgetByRules: Make = (_, tool, random) => {
  const keepLast = random.integer(3, 12);
  const words = ['forget', '--keep-last', `${keepLast}`, '--keep-tag', 'pinned'];
  return { tool, words: random.chance(0.3) ? [...words, '--prune'] : words, keepLast };
};

const prune: Make = (_, tool, random) => {
  return { tool, words: ['prune', '--max-unused', random.pick(['0%', '5%', 'unlimited'])] };
};

/** What is there already it passes over, also where that is damaged. */
const copy: Make = ({ otherLabels, place, present }, tool, random) => {
  const rechunk = random.chance(0.2) ? ['--rechunk'] : [];
  const adds = otherLabels.filter((label) => present.every((seen) => seen.label !== label));
  return tool === 'holdfast'
    ? { tool, words: ['copy', '--to', 'main', ...rechunk], repository: 'other', adds }
    : { tool, words: ['copy', '--from-repo', place.at('other')], adds };
};

const tag = toOne(({ id }, _, tool, random) => {
  const pins = tool === 'holdfast' && random.chance(0.5);
  return { tool, words: pins ? ['pin', id] : ['tag', '--add', 'pinned', id], rewrites: true };
});

const restore = toOne((seen, stress, tool) => {
  const { words, take } = restoring(stress.place, tool, seen);
  return { tool, words, ended: (result) => compareContent(stress, seen, take(result), words.join(' ')) };
});

const verify = toOne(({ id }) => ({ tool: 'holdfast', words: ['verify', id] }));

const check: Make = (_, tool) => ({ tool, words: ['check', '--read-data'] });

const unlock: Make = (_, tool) => ({ tool, words: ['unlock'] });

const stealLocks: Make = (_, tool) => ({ tool, words: ['unlock', '--remove-all'] });

/** Where nothing is damaged they change nothing that anybody misses. */
const repair: Make = (_, tool, random) => {
  const what = random.pick(['index', 'packs', 'snapshots']);
  if (tool === 'old') return { tool, words: ['rebuild-index'] };
  if (tool === 'holdfast') return { tool, words: ['repair', what] };
  return { tool, words: what === 'snapshots' ? ['repair', what, '--forget'] : ['repair', 'index'] };
};

const addKey: Make = (stress, tool) => {
  if (stress.doors.length >= 2) return undefined;
  const password = newPassword(stress);
  const door: Door = { candidates: [password], id: '', removal: 'none' };
  return {
    ...{ tool, words: ['key', 'add'], newPassword: password },
    ended: ({ status }) => status === 0 && stress.doors.push(door),
  };
};

const changePassword: Make = (stress, tool, random) => {
  const door = doorOf(stress, random);
  if (!door) return undefined;
  const [password = ''] = door.candidates;
  const next = newPassword(stress);
  door.candidates = [password, next];
  return {
    ...{ tool, words: ['key', 'passwd'], password, newPassword: next },
    ended({ status }) {
      if (status === 0) door.candidates = [next];
    },
  };
};

const removeKey: Make = (stress, tool, random) => {
  const door = doorOf(stress, random);
  if (!door) return undefined;
  door.removal = 'begun';
  return {
    ...{ tool, words: ['key', 'remove', door.id] },
    ended({ status }) {
      if (status === 0) door.removal = 'done';
    },
  };
};

const newPassword = (stress: Stress): string => {
  stress.number += 1;
  return `password ${stress.number}`;
};

/** One that no other command of the round has to do with. */
const doorOf = ({ doors }: Stress, random: Random): Door | undefined => {
  const free = doors.filter(
    ({ candidates, id, removal }) => candidates.length === 1 && id && removal === 'none',
  );
  return free.length === 0 ? undefined : random.pick(free);
};

const hourMs = 3_600_000;

/** How often each is chosen, and whether somebody who does not know of any damage may run it. */
type Maker = readonly [weight: number, make: Make, mayMeetDamage: boolean];

const makers: readonly Maker[] = [
  [12, backUp, true],
  [4, forgetOne, true],
  [2, forgetByRules, false],
  [5, prune, true],
  [2, copy, true],
  [2, tag, true],
  [2, restore, true],
  [1, verify, true],
  [1, check, true],
  [1, unlock, true],
  [3, repair, false],
  [1, addKey, false],
  [1, changePassword, false],
  [1, removeKey, false],
];

/** Rules that count the newest mean nothing where nobody knows the time. */
const lawlessMakers = [
  ...makers.filter(([, make]) => make !== forgetByRules),
  [6, stealLocks, true],
] as const;
