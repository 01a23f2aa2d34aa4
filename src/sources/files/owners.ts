// Who may own what is restored: root gives files back to their owners, anybody else keeps them.
import { systemCode } from '#lib/errors.ts';
import type { EntryMeta } from '../source.ts';

export interface OwnerRule {
  /** True when the file now belongs to whom it belonged to. */
  apply(meta: EntryMeta, change: (uid: number, gid: number) => void): boolean;
  /** The mode to give a file, according to what `apply` said of it. */
  mode(mode: number, kept: boolean): number;
  warnings(): string[];
}

/** By number, as restic does; a name may mean somebody else on another machine. */
export const ownerRule = (user = process.geteuid?.(), group = process.getegid?.()): OwnerRule => {
  let refused = 0;
  let stripped = 0;
  return {
    apply: ({ uid, gid }, change) => {
      if (uid === undefined || gid === undefined || user === undefined) return false;
      if (user !== 0 && uid === user && gid === group) return true;
      try {
        if (user === 0) {
          change(uid, gid);
          return true;
        }
      } catch (error) {
        // A container's root may not give files to ids that it does not have.
        if (!['EPERM', 'EINVAL'].includes(systemCode(error) ?? '')) throw error;
      }
      refused += 1;
      return false;
    },
    mode: (mode, kept) => {
      // Without its owner, a setuid or setgid bit would lend the rights of somebody else: ours.
      if (kept || (mode & 0o6000) === 0) return mode;
      stripped += 1;
      return mode & ~0o6000;
    },
    warnings: () => [
      ...(refused > 0
        ? [`owners of ${refused} entries were not restored: only root can, they belong to the current user`]
        : []),
      ...(stripped > 0
        ? [`setuid and setgid bits of ${stripped} entries were left out with their owners`]
        : []),
    ],
  };
};
