CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  job TEXT, -- NULL: a run of the command line without a job
  verb TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  state TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'partial', 'failed', 'cancelled')),
  exit_status INTEGER,
  bytes INTEGER NOT NULL DEFAULT 0,
  items INTEGER NOT NULL DEFAULT 0,
  items_failed INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  error_message TEXT,
  error_hint TEXT,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_started TEXT NOT NULL,
  CHECK ((state = 'running') = (ended_ms IS NULL))
) STRICT;
CREATE INDEX runs_by_start ON runs (started_ms);
CREATE INDEX runs_by_job ON runs (job, started_ms);

CREATE TABLE run_sources (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  repository TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ok', 'partial', 'failed', 'skipped')),
  duration_ms INTEGER NOT NULL,
  snapshot TEXT,
  files INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  bytes_stored INTEGER NOT NULL DEFAULT 0,
  items_failed INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  error_message TEXT,
  error_hint TEXT
) STRICT;
CREATE INDEX run_sources_by_run ON run_sources (run);

CREATE TABLE run_items (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  source TEXT NOT NULL,
  item TEXT NOT NULL, -- 'public.orders', or the path of a file that failed
  state TEXT NOT NULL CHECK (state IN ('ok', 'failed')),
  bytes INTEGER NOT NULL,
  rows INTEGER,
  error_code TEXT,
  error_message TEXT,
  error_hint TEXT
) STRICT;
CREATE INDEX run_items_by_run ON run_items (run);
