// What an import makes of somebody else's configuration.

export interface Imported {
  /** The file as plain values. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What its reader should know: what was left out and why, and what is other than before. Sentences. */
  readonly remarks: readonly string[];
}

/** Reads the text of a configuration file. CONFIG_INVALID when it is not the one that was expected. */
export type Importer = (text: string) => Imported;
