// Temporary folders that go away with the test or suite that asked for them.
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/**
 * A new folder that is removed when the test, suite or file that calls this has ended.
 * `mode` 0o755 lets the users that servers run as enter it.
 */
export const temporaryFolder = (name = 'test', mode = 0o700): string => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), `holdfast-${name}-`));
  chmodSync(folder, mode);
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
};
