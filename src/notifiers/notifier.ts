// The contract of everything that tells people, or other programs, how the backups go.
import type { Kind } from '#lib/kind.ts';
import type { Notice } from './notice.ts';

export interface Notifier extends AsyncDisposable {
  /** Where it tells, for messages, without secrets: 'smtp://mail.internal:25'. */
  readonly location: string;
  /** It watches for what does not come, so unless the file says otherwise it is told of every run, and of its start. */
  readonly watches?: true;
  /**
   * Resolves when the other side has taken the notice. NOTIFIER_UNREACHABLE (worth a retry) or NOTIFIER_REFUSED otherwise,
   * and soon after the signal has fired CANCELLED.
   */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
  /** Sees whether the other side is there and lets us in, and tells it nothing; fails as `send` does. Absent where only a notice shows it. */
  reach?(signal: AbortSignal): Promise<void>;
}

export type NotifierKind<Config> = Kind<Config, Notifier>;
