-- Restore points that were drilled as a whole; their sources are in `drills`, by the same run.
CREATE TABLE drilled_points (
  run TEXT NOT NULL PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  job TEXT NOT NULL, -- the backup job
  repository TEXT NOT NULL,
  point TEXT NOT NULL, -- the run of the backup job
  point_ms INTEGER NOT NULL,
  sources TEXT NOT NULL, -- a list in JSON
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('passed', 'differs', 'failed')),
  queries TEXT NOT NULL, -- JSON: those across the sources, with their answers
  error_code TEXT, -- why the queries could not be asked
  error_message TEXT,
  error_hint TEXT
) STRICT;
CREATE INDEX drilled_points_by_job ON drilled_points (job, started_ms);
