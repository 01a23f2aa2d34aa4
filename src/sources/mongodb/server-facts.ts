// What a server is, from how it greets.

/** The reply to `hello`. */
export interface Greeting {
  readonly setName?: string;
  /** 'isdbgrid' for a mongos. */
  readonly msg?: string;
  readonly maxMessageSizeBytes?: number;
  readonly maxWriteBatchSize?: number;
  readonly localTime?: Date;
}

export interface ServerFacts {
  readonly version: string;
  readonly major: number;
  /** Time series are collections like others, whose buckets are read and written with `rawData`; before, they had a collection of their own. */
  readonly hasRawData: boolean;
  /** Writes may ask for it that timestamps of zero stay what they are; else the server puts its own time in their place. */
  readonly keepsZeroTimestamps: boolean;
  readonly topology: 'standalone' | 'replica set' | 'sharded cluster';
  readonly maxMessageBytes: number;
  readonly maxWriteBatch: number;
  /** What its clock showed when it greeted. */
  readonly time: Date | undefined;
}

export const factsOf = (hello: Greeting, version: string): ServerFacts => ({
  version,
  major: Number.parseInt(version, 10) || 0,
  hasRawData: isAtLeast(version, 8, 3),
  keepsZeroTimestamps: keepsZeroTimestamps(version),
  topology: hello.setName ? 'replica set' : hello.msg === 'isdbgrid' ? 'sharded cluster' : 'standalone',
  maxMessageBytes: hello.maxMessageSizeBytes ?? 48_000_000,
  maxWriteBatch: hello.maxWriteBatchSize ?? 1000,
  time: hello.localTime,
});

const isAtLeast = (version: string, major: number, minor: number): boolean => {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
};

/** Since 8.0, and of earlier versions in the later ones of 5.0, 6.0 and 7.0 (mongo-tools, common/db/empty_timestamp.go). */
const keepsZeroTimestamps = (version: string): boolean => {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const first = firstToKeepZeroTimestamps.get(major);
  return major >= 8 || (minor === 0 && first !== undefined && patch >= first);
};

const firstToKeepZeroTimestamps: ReadonlyMap<number, number> = new Map([
  [5, 29],
  [6, 17],
  [7, 13],
]);
