// A server that goes silent in the middle of a table's rows. As long as its host is there, TCP does not notice that a server is
// frozen, or that a disk or a proxy is stuck.
import { HoldfastError } from '#lib/errors.ts';

/** How long nothing may come of what, once it has begun to come. */
export interface Patience {
  readonly seconds: number;
  /** 'table public.orders'. */
  readonly item: string;
  /** 'PostgreSQL at db.internal:5432'. */
  readonly server: string;
}

/** Half an hour: rows that were deleted and are not cleared away yet, or have many versions, are passed over in silence. */
export const usualPatienceSeconds = 1800;

export interface Awaited {
  /** How much has come. */
  bytes(): number;
  /** Whether more is waited for now: time in which nobody reads is not the server's. */
  isDue(): boolean;
  giveUp(error: Silence): void;
}

/** So many looks in a row must find nothing: when this process was stopped for long, that is one look. */
const looks = 10;

/** Calls `giveUp` when the server is silent for too long; what is returned ends the watch. */
export const watchForSilence = (patience: Patience, { bytes, isDue, giveUp }: Awaited): (() => void) => {
  let seen = bytes();
  let inVain = 0;
  const look = (): void => {
    const before = seen;
    seen = bytes();
    inVain = isDue() && seen === before ? inVain + 1 : 0;
    if (inVain === looks) giveUp(new Silence(patience));
  };
  const timer = setInterval(look, (patience.seconds * 1000) / looks);
  return () => clearInterval(timer);
};

export class Silence extends HoldfastError {
  constructor({ server, item, seconds }: Patience) {
    super('SOURCE_UNREACHABLE', `${server} was silent for ${seconds} s in the middle of ${item}`, {
      hint: 'it, its disks or something before it is stuck: see its log, and run again; if it may be silent for so long, raise timeoutSeconds',
    });
  }
}
