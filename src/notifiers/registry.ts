// Every kind of notifier there is. A new one is a folder here and a line below; its client loads when it first sends.
import type { Context } from '#lib/kind.ts';
import { type Configured, type KindRegistry, register, registry } from '#lib/kind-registry.ts';
import { command } from './command/command.ts';
import { email } from './email/email.ts';
import { healthchecks } from './healthchecks/healthchecks.ts';
import type { Notifier } from './notifier.ts';
import { syslog } from './syslog/syslog.ts';
import { webhook } from './webhook/webhook.ts';

export const notifierKinds: KindRegistry<Notifier> = registry(
  register(command),
  register(email),
  register(healthchecks),
  register(syslog),
  register(webhook),
);

/** A notifier that can be opened: its name, its kind, and that kind's configuration. */
export interface NotifierConfig extends Configured<Notifier> {
  readonly name: string;
}

/** Nothing is asked of the other side before the first notice. */
export const openNotifier = (notifier: NotifierConfig, context: Omit<Context, 'name'>): Promise<Notifier> =>
  notifier.open({ ...context, name: notifier.name });
