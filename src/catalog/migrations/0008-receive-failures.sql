-- Why nothing new can be taken in by a receiver; there is nothing here of one that did so at its last turn.
CREATE TABLE receive_failures (
  job TEXT NOT NULL,
  target TEXT NOT NULL, -- the source of this configuration that it goes into
  since_ms INTEGER NOT NULL, -- the first turn in a row that failed
  error_code TEXT NOT NULL, -- of the last one
  error_message TEXT NOT NULL,
  error_hint TEXT,
  PRIMARY KEY (job, target)
) STRICT;
