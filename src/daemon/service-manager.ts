// What the service manager is told (sd_notify(3)). Node has no datagram sockets of Unix, so systemd's own program sends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ServiceManager {
  /** States such as 'READY=1'. Whether they arrive is not known: nothing depends on it. */
  tell(...states: readonly string[]): Promise<void>;
}

/** Tells systemd when it asks to be told; otherwise nobody. `warn` hears once that it cannot be told. */
export const serviceManager = (
  env: Readonly<Record<string, string | undefined>>,
  warn: (text: string) => void,
): ServiceManager => {
  if (!env.NOTIFY_SOCKET) return { tell: async () => {} };
  let hasWarned = false;
  // What could not be told, as on a machine with too much to do, goes along with what comes next: silence would be taken for the end.
  let owed: readonly string[] = [];
  return {
    async tell(...states) {
      const all = [...new Set([...owed, ...states])];
      owed = [];
      const status = await runNotify(all);
      if (status === 0) return;
      owed = all;
      if (!hasWarned) warn(`systemd cannot be told how it goes: systemd-notify ${status}`);
      hasWarned = true;
    },
  };
};

/** Its status, or why it could not be started. */
const runNotify = async (states: readonly string[]): Promise<number | string> => {
  const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...states], {
    stdio: 'ignore',
    timeout: 10_000,
  });
  try {
    const [status, signal] = await once(child, 'close');
    return typeof status === 'number' ? status : `was ended by ${signal}`;
  } catch {
    return 'is not installed';
  }
};
