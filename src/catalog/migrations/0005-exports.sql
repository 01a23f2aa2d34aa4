-- How far each table of an export job has come.
CREATE TABLE export_tables (
  id INTEGER PRIMARY KEY,
  job TEXT NOT NULL,
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  ordered_by TEXT NOT NULL, -- the column that positions are of
  settled TEXT, -- nothing can still appear before it, less the overlap; NULL: anything can
  begun INTEGER NOT NULL DEFAULT 0, -- 1: its first run got somewhere
  pending TEXT NOT NULL, -- JSON: positions that were reached, each with the transaction that had not begun then
  UNIQUE (job, source, name)
) STRICT;

CREATE TABLE export_files (
  id INTEGER PRIMARY KEY,
  export_table INTEGER NOT NULL REFERENCES export_tables ON DELETE CASCADE,
  run TEXT NOT NULL,
  name TEXT, -- NULL: rows that were there before the first export, and are not exported
  token TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  rows INTEGER NOT NULL,
  last_position TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('intended', 'done', 'purged', 'gone')),
  remembered INTEGER NOT NULL DEFAULT 1, -- 0: its rows cannot be met again, and are not in export_rows
  exported_ms INTEGER NOT NULL,
  shipped_ms INTEGER,
  purged_ms INTEGER
) STRICT;
CREATE INDEX export_files_by_table ON export_files (export_table, state);

-- The rows in files that may still be met again, by their hashes.
CREATE TABLE export_rows (
  export_table INTEGER NOT NULL,
  hash BLOB NOT NULL,
  file INTEGER NOT NULL REFERENCES export_files ON DELETE CASCADE,
  count INTEGER NOT NULL,
  PRIMARY KEY (export_table, hash, file)
) STRICT, WITHOUT ROWID;

-- Objects that a run is writing in pieces: what a run that was killed has left behind.
CREATE TABLE unfinished_objects (
  token TEXT NOT NULL,
  job TEXT NOT NULL,
  store TEXT NOT NULL, -- where it is
  name TEXT NOT NULL,
  PRIMARY KEY (store, name, token)
) STRICT, WITHOUT ROWID;
