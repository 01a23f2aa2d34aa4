-- What the console of many sites asked this one to run: none is taken twice.
CREATE TABLE orders (
  id TEXT NOT NULL PRIMARY KEY, -- of what was no order, the name under which it lay
  at_ms INTEGER, -- when it was given, by the console's clock; NULL: it was no order
  jobs TEXT NOT NULL, -- a list in JSON
  taken_ms INTEGER NOT NULL,
  refused TEXT, -- why; NULL: its jobs were run
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_started TEXT NOT NULL
) STRICT;

-- One run may be what several orders asked for.
CREATE TABLE order_runs (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  order_id TEXT NOT NULL REFERENCES orders ON DELETE CASCADE,
  PRIMARY KEY (run, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_runs_by_order ON order_runs (order_id);

-- What this console asked sites to run, so that it misses what becomes of it.
CREATE TABLE orders_given (
  id TEXT NOT NULL PRIMARY KEY,
  site TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  jobs TEXT NOT NULL -- a list in JSON
) STRICT;
