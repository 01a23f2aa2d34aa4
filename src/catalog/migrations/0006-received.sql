-- What receivers have taken in last; the receiving databases and folders themselves remember it, too, and are right in doubt.
CREATE TABLE received (
  job TEXT NOT NULL,
  source TEXT NOT NULL, -- as the sender calls it
  target TEXT NOT NULL, -- the source of this configuration that it went into
  snapshot TEXT NOT NULL,
  whole INTEGER NOT NULL, -- 0: a partial one
  taken_ms INTEGER NOT NULL, -- when the sender was as the receiver is now
  received_ms INTEGER NOT NULL,
  PRIMARY KEY (job, target)
) STRICT;
