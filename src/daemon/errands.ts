// What the daemon sees to beside the jobs, each time in a process of its own: that people hear of what did not happen, that a
// console hears that this site is there and has run here what it may, and that a monitor can ask how it goes.
import type { MetricsServer } from '#jobs/health/metrics-server.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import type { Plan } from './plan.ts';
import { type Child, type Message, startProgram } from './program.ts';

/** How often it is seen whether there is something to tell. */
const dueMs = 10 * 60_000;
/** How often the console is told how everything stands, also where nothing happens. */
const bulletinMs = 60 * 60_000;
/** How often it is seen whether the console has ordered something. */
const ordersMs = 5 * 60_000;

export class Errands implements AsyncDisposable {
  readonly #log: Log;
  readonly #children = new Set<Child>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** The errands that are not over. */
  readonly #underWay = new Set<string>();
  /** The jobs that were ordered and run now. */
  #ordered: readonly string[] = [];
  #orders: Promise<void> | undefined;
  #metrics: MetricsServer | undefined;
  #port: number | undefined;
  /** One change after the other. */
  #changes = Promise.resolve();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Does from now on what this configuration asks for. What cannot be done is in the log. */
  take(plan: Plan): Promise<void> {
    this.#clearTimers();
    if (plan.notifiers > 0) this.#timers.push(setInterval(() => void this.#tellWhatIsDue(plan.text), dueMs));
    if (plan.bulletins) {
      void this.#tellConsole(plan.text);
      this.#timers.push(setInterval(() => void this.#tellConsole(plan.text), bulletinMs));
    }
    if (plan.orders) {
      this.#takeOrders(plan.text);
      this.#timers.push(setInterval(() => this.#takeOrders(plan.text), ordersMs));
    }
    this.#changes = this.#changes.then(() => this.#serve(plan));
    return this.#changes;
  }

  get ordered(): readonly string[] {
    return this.#ordered;
  }

  /** Begins nothing more; resolves when nothing runs that was ordered. */
  async stop(): Promise<void> {
    this.#clearTimers();
    await this.#orders;
  }

  /** Signals all that is under way. */
  kill(signal: NodeJS.Signals): void {
    for (const child of this.#children) child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clearTimers();
    this.kill('SIGTERM');
    await this.#changes;
    await this.#metrics?.[Symbol.asyncDispose]();
  }

  #clearTimers(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  async #tellConsole(config: string): Promise<void> {
    await this.#runAlone(['-q', 'bulletin'], config, ({ message_type, message }) => {
      if (message_type === 'warning') this.#log.warn(String(message));
    });
  }

  #takeOrders(config: string): void {
    this.#orders ??= this.#run(['-q', 'orders'], config, (message) => this.#hearOfOrders(message)).then(
      () => {
        this.#orders = undefined;
        this.#ordered = [];
      },
    );
  }

  #hearOfOrders({ message_type, jobs, message, text, error }: Message): void {
    if (message_type === 'order') {
      const names = [jobs].flat().map(String);
      this.#ordered = [...this.#ordered, ...names];
      this.#log.info(`runs what was ordered: ${names.join(', ')}`);
    } else if (message_type === 'warning') this.#log.warn(String(message));
    else this.#log.error(String(message ?? text ?? error ?? 'something failed'));
  }

  async #tellWhatIsDue(config: string): Promise<void> {
    await this.#runAlone(['-q', 'notify', 'due'], config, ({ message_type, error, message }) => {
      if (message_type === 'notified' && error) this.#log.warn(`cannot tell: ${JSON.stringify(error)}`);
      else if (message_type === 'warning') this.#log.warn(String(message));
    });
  }

  /** The page is made by another process, too: looking into the stores takes all that the daemon does without. */
  async #serve({ daemon, text }: Plan): Promise<void> {
    const collect = async (): Promise<string> => {
      let page: string | undefined;
      await this.#run(['metrics'], text, (message) => {
        if (message.message_type === 'metrics') page = String(message.text);
      });
      if (page === undefined) throw new HoldfastError('FAILED', 'the stores could not be looked at');
      return page;
    };
    try {
      await this.#metrics?.[Symbol.asyncDispose]();
      this.#metrics = undefined;
      if (daemon.metricsPort === undefined) return;
      const { serveMetrics } = await import('#jobs/health/metrics-server.ts'); // HTTP, for those who ask for it
      this.#metrics = await serveMetrics({ port: daemon.metricsPort, collect });
      if (this.#port !== daemon.metricsPort)
        this.#log.info(`serves metrics on http://127.0.0.1:${this.#metrics.port}/metrics`);
    } catch (error) {
      this.#log.error(messageOf(error));
    } finally {
      this.#port = daemon.metricsPort;
    }
  }

  /** Not while the one before it has a hard time. */
  async #runAlone(
    words: readonly string[],
    config: string,
    onMessage: (message: Message) => void,
  ): Promise<void> {
    const errand = words.join(' ');
    if (this.#underWay.has(errand)) return;
    this.#underWay.add(errand);
    await this.#run(words, config, onMessage);
    this.#underWay.delete(errand);
  }

  async #run(words: readonly string[], config: string, onMessage: (message: Message) => void): Promise<void> {
    const child = startProgram(words, config, onMessage);
    this.#children.add(child);
    const { error } = await child.ended;
    this.#children.delete(child);
    if (error) this.#log.warn(`${words.join(' ')}: ${error.message}`);
  }
}
