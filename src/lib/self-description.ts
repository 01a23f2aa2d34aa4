// What the other side of a plug says of itself: an ability of sources and stores, asked for by presence.

export interface SelfDescription {
  /** Programs and their versions, on both sides: 'PostgreSQL 15.4', 'pg_dump 15.4'. */
  readonly software: readonly string[];
  /** What its clock shows. */
  readonly time?: Date;
}

export interface Describing {
  /** Asks the other side; throws as the plug's other calls do. */
  describeSelf(): Promise<SelfDescription>;
}

export const describingOf = (plug: object): Describing | undefined =>
  'describeSelf' in plug && typeof plug.describeSelf === 'function' ? (plug as Describing) : undefined;
