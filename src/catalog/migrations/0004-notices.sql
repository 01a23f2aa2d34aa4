CREATE TABLE troubles (
  id TEXT PRIMARY KEY, -- the thread of its notices
  subject TEXT NOT NULL, -- 'job nightly', 'notifier ops', 'repository offsite'
  event TEXT NOT NULL, -- what it is by now: 'failure', 'partial', 'missed', …
  text TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  runs INTEGER NOT NULL,
  ended_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX open_troubles ON troubles (subject) WHERE ended_ms IS NULL;

CREATE TABLE deliveries (
  at_ms INTEGER NOT NULL,
  notifier TEXT NOT NULL,
  event TEXT NOT NULL,
  title TEXT NOT NULL,
  job TEXT,
  run TEXT,
  trouble TEXT,
  attempts INTEGER NOT NULL,
  error_code TEXT, -- NULL: the other side has taken it
  error_message TEXT,
  error_hint TEXT
) STRICT;
CREATE INDEX deliveries_by_notifier ON deliveries (notifier, at_ms);
CREATE INDEX deliveries_by_trouble ON deliveries (trouble, notifier);
