// What a run has written so far, as a snapshot's summary tells it.

import type { SnapshotSummary } from '../contract.ts';
import type { BlobTotals } from './content-cutter.ts';

export class WriteCounts {
  readonly #counts = {
    filesNew: 0,
    filesChanged: 0,
    filesUnmodified: 0,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: 0,
    dataBlobs: 0,
    treeBlobs: 0,
    dataAdded: 0,
    dataAddedPacked: 0,
    totalFilesProcessed: 0,
    totalBytesProcessed: 0,
  };

  get files(): number {
    return this.#counts.totalFilesProcessed;
  }

  get bytes(): number {
    return this.#counts.totalBytesProcessed;
  }

  /** Bytes of contents, as they pass. */
  addBytes(bytes: number): void {
    this.#counts.totalBytesProcessed += bytes;
  }

  addFile(what: 'New' | 'Changed' | 'Unmodified'): void {
    this.#counts[`files${what}`] += 1;
    this.#counts.totalFilesProcessed += 1;
  }

  addDirectory(what: 'New' | 'Changed' | 'Unmodified'): void {
    this.#counts[`dirs${what}`] += 1;
  }

  addBlobs({ newBlobs, newBytes, storedBytes }: Omit<BlobTotals, 'ids' | 'bytes'>): void {
    this.#counts.dataBlobs += newBlobs;
    this.#add(newBytes, storedBytes);
  }

  /** A tree that was stored, or, where that took nothing, was there. */
  addTree(bytes: number, storedBytes: number): void {
    if (storedBytes === 0) return;
    this.#counts.treeBlobs += 1;
    this.#add(bytes, storedBytes);
  }

  summary(started: Date): SnapshotSummary {
    return { ...this.#counts, backupStart: started, backupEnd: new Date() };
  }

  #add(bytes: number, storedBytes: number): void {
    this.#counts.dataAdded += bytes;
    this.#counts.dataAddedPacked += storedBytes;
  }
}
