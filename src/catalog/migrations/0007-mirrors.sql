-- How each file of a mirror job fared in a store.
CREATE TABLE mirror_files (
  job TEXT NOT NULL,
  store TEXT NOT NULL, -- where the copies are
  path TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('OK', 'FAIL_READ', 'FAIL_WRITE')),
  listed TEXT NOT NULL, -- what the listing said of its content: another text, and it is copied again
  created TEXT, -- as it was listed
  size_bytes INTEGER, -- of the copy; NULL: there is none that was found good
  checksum_type TEXT,
  checksum TEXT,
  attempts INTEGER NOT NULL, -- since it was last OK
  run TEXT NOT NULL, -- the one that tried last
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  ok_ms INTEGER,
  error_code TEXT,
  error_message TEXT,
  PRIMARY KEY (job, store, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX mirror_files_by_status ON mirror_files (job, store, status);

-- How far the listing of a mirror job has been read.
CREATE TABLE mirror_listings (
  job TEXT NOT NULL,
  store TEXT NOT NULL,
  listing TEXT NOT NULL, -- which listing the positions are of
  settled TEXT, -- nothing can still appear before it, less the overlap; NULL: anything can
  pending TEXT NOT NULL, -- JSON: positions that were reached, each with the transaction that had not begun then
  PRIMARY KEY (job, store)
) STRICT, WITHOUT ROWID;
