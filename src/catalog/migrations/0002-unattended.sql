-- SQLite cannot change a CHECK: the table is made anew, as https://www.sqlite.org/lang_altertable.html has it.
CREATE TABLE runs_new (
  id TEXT PRIMARY KEY,
  job TEXT, -- NULL: a run of the command line without a job
  verb TEXT NOT NULL,
  due_ms INTEGER, -- NULL: nobody's schedule asked for it
  covers INTEGER NOT NULL DEFAULT 1, -- how many due times it stands for: this one and those missed before it
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  state TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'partial', 'failed', 'cancelled', 'skipped')),
  again INTEGER NOT NULL DEFAULT 0 CHECK (again IN (0, 1)), -- 1: when cancelled, its due time still wants a run
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
INSERT INTO runs_new (id, job, verb, started_ms, ended_ms, state, exit_status, bytes, items, items_failed,
    error_code, error_message, error_hint, host, pid, process_started)
  SELECT id, job, verb, started_ms, ended_ms, state, exit_status, bytes, items, items_failed,
    error_code, error_message, error_hint, host, pid, process_started FROM runs;
DROP TABLE runs;
ALTER TABLE runs_new RENAME TO runs;
CREATE INDEX runs_by_start ON runs (started_ms);
CREATE INDEX runs_by_job ON runs (job, started_ms);
CREATE INDEX runs_by_due ON runs (job, due_ms) WHERE due_ms IS NOT NULL;

CREATE TABLE run_log (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  at_ms INTEGER NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
  text TEXT NOT NULL
) STRICT;
CREATE INDEX run_log_by_run ON run_log (run);

CREATE TABLE schedules (
  job TEXT PRIMARY KEY,
  schedule TEXT NOT NULL, -- as it was when it began to count
  since_ms INTEGER NOT NULL
) STRICT;
