// The configuration as Holdfast understands it: variables replaced, defaults filled in, secrets as dots.
import { withoutPassword } from '#lib/secret.ts';
import type { Config } from './config.ts';
import { formatYaml } from './document.ts';

/** YAML that says what the file says, for people to read. */
export const showConfig = (config: Config): string => {
  const { site, repositories, sources, notifiers, jobs, daemon, logs, catalog, bulletins, orders } = config;
  const shown = {
    site,
    repositories: mapValues(repositories, ({ name, ...repository }) => repository),
    sources: Object.fromEntries(sources),
    ...(notifiers.size > 0 && { notifiers: Object.fromEntries(notifiers) }),
    jobs: mapValues(jobs, ({ name, verb, ...job }) => job),
    daemon,
    logs,
    bulletins,
    orders,
    console: config.console,
    catalog,
  };
  const plain: unknown = JSON.parse(JSON.stringify(shown, withoutPasswords));
  return formatYaml(plain);
};

const mapValues = <Value>(values: ReadonlyMap<string, Value>, shown: (value: Value) => object) =>
  Object.fromEntries([...values].map(([name, value]) => [name, shown(value)]));

const withoutPasswords = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? withoutPassword(value) : value;
