// Builders for the tests of notifiers and of those who use them.
import { systemClock } from '#lib/clock.ts';
import type { Kind } from '#lib/kind.ts';
import { silentLog } from '#lib/log.ts';
import type { Notice } from './notice.ts';
import type { Notifier } from './notifier.ts';

/** Never fires. */
export const noSignal = new AbortController().signal;

/** The notifier that this configuration stands for, as the file has it. */
export const openConfigured = <Config>(
  kind: Kind<Config, Notifier>,
  config: Record<string, unknown>,
): Promise<Notifier> =>
  kind.open(kind.config.parse(config), { name: 'ops', signal: noSignal, log: silentLog, clock: systemClock });

/** A run of which one table failed, with letters that formats stumble over. */
export const sampleNotice = (more: Partial<Notice> = {}): Notice => ({
  id: '0123abcd',
  event: 'failure',
  severity: 'error',
  at: new Date('2026-11-21T03:30:12Z'),
  host: 'db1.example.org',
  title: 'nightly failed: “Zoë & Søn” <b>🦭</b> \\ "quoted"',
  paragraphs: ['shop: cannot read table t', 'grant select on t to holdfast'],
  job: 'nightly',
  run: {
    id: '20261121-033000-x7kq',
    verb: 'backup',
    state: 'failed',
    startedAt: new Date('2026-11-21T03:30:00Z'),
    endedAt: new Date('2026-11-21T03:30:12Z'),
    exitStatus: 3,
    items: { processed: 1204, succeeded: 1203, failed: 1 },
    bytes: 3_290_000,
    sources: [
      {
        source: 'shop',
        repository: 'offsite',
        state: 'partial',
        bytes: 3_290_000,
        durationMs: 12_000,
        itemsFailed: 1,
        snapshot: '12d64ed7'.repeat(8),
      },
    ],
    failures: [
      {
        source: 'shop',
        item: 'public.<orders>',
        message: 'permission denied',
        hint: 'grant select on public.orders to holdfast',
      },
    ],
    failuresLeftOut: 0,
  },
  ...more,
});
