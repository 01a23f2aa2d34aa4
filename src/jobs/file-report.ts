// Plain files as a backup tells of what it stored, so that runs of all verbs are remembered alike.
import type { WriteReport } from '#repository/contract.ts';

export const fileReport = (files: readonly { readonly sizeBytes: number }[]): WriteReport => {
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const never = new Date(0);
  return {
    failures: [],
    summary: {
      backupStart: never,
      backupEnd: never,
      filesNew: files.length,
      filesChanged: 0,
      filesUnmodified: 0,
      dirsNew: 0,
      dirsChanged: 0,
      dirsUnmodified: 0,
      dataBlobs: 0,
      treeBlobs: 0,
      dataAdded: bytes,
      dataAddedPacked: bytes,
      totalFilesProcessed: files.length,
      totalBytesProcessed: bytes,
    },
  };
};
