// A backup program as its users run it.
import type { Command } from '../measure.ts';

/** Where a run works; all of it lies in the benchmark's folder. */
export interface Place {
  readonly repository: string;
  /** The file or folder to back up, or the folder to restore into. */
  readonly path: string;
}

/** A database of a server. */
export interface Database {
  readonly name: string;
  readonly url: string;
  /** Lines of shell that write it to standard output and read it from standard input; in them $DATABASE is its URL. */
  readonly dump: string;
  readonly load: string;
  /** For those lines and for Holdfast: passwords, for one. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Tool {
  /** With its version: 'restic 0.19.1'. */
  readonly name: string;
  /** What differs from its defaults, or is worth knowing of them. */
  readonly settings: string;
  init(repository: string): Command;
  backup(place: Place): Command;
  /** All of the newest snapshot into an empty folder. */
  restore(place: Place): Command;
  /** Where in that folder the file or folder that was backed up has come to lie. */
  restored(target: string, path: string): string;
  /** Holdfast reads the server itself; the others what the server's own program writes. */
  backupDatabase(repository: string, database: Database): Command;
  /** The newest snapshot into an empty database. */
  restoreDatabase(repository: string, database: Database): Command;
}
