// Databases of a restore's own that must go, whatever has become of the restore.
import { messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';

/** For whoever has to drop it. */
interface Unneeded {
  readonly database: string;
  readonly server: string;
}

/** Where it cannot be dropped, that is told: what the restore itself came to stays what it is. */
export const dropOrTell = async (unneeded: Unneeded, log: Log, drop: () => Promise<void>): Promise<void> => {
  try {
    await drop();
  } catch (error) {
    log.warn(
      { ...unneeded, error: messageOf(error) },
      'a database that is not needed could not be removed: drop it',
    );
  }
};
