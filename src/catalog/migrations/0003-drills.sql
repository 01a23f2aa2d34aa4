CREATE TABLE drills (
  id TEXT PRIMARY KEY,
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  repository TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  snapshot_ms INTEGER NOT NULL,
  scratch TEXT NOT NULL, -- the name of the place that it restored into
  location TEXT NOT NULL, -- where that is, without secrets
  folder TEXT NOT NULL,
  removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)), -- 0: something of the place may still be there
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  state TEXT NOT NULL CHECK (state IN ('running', 'passed', 'differs', 'failed', 'cancelled')),
  restore_ms INTEGER, -- NULL: it was not restored
  entries INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  tables INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,
  definitions INTEGER NOT NULL DEFAULT 0,
  differences INTEGER NOT NULL DEFAULT 0,
  details TEXT NOT NULL DEFAULT '{}', -- JSON: the first differences, notes, and the queries with their answers
  error_code TEXT,
  error_message TEXT,
  error_hint TEXT,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_started TEXT NOT NULL,
  CHECK ((state = 'running') = (ended_ms IS NULL))
) STRICT;
CREATE INDEX drills_by_source ON drills (source, started_ms);
