// Files that share an inode in the snapshot share one again.
import type { Entry } from '../source.ts';

export interface HardLinks {
  /** Where the same file was restored before. */
  earlier(entry: Entry): string | undefined;
  /** To be called once the file is whole. */
  remember(entry: Entry): void;
}

export const createHardLinks = (): HardLinks => {
  const restored = new Map<string, string>();
  return {
    earlier: (entry) => {
      const key = keyOf(entry);
      return key === undefined ? undefined : restored.get(key);
    },
    remember: (entry) => {
      const key = keyOf(entry);
      if (key !== undefined) restored.set(key, entry.path);
    },
  };
};

/** Size and time too: an inode number may have passed to another file while the backup ran. */
const keyOf = ({ type, meta }: Entry): string | undefined =>
  type === 'file' && (meta.links ?? 1) > 1 && meta.inode !== undefined
    ? `${meta.deviceId} ${meta.inode} ${meta.size} ${meta.mtime}`
    : undefined;
