-- What the console has seen of each site, so that it notices when something newer than what lies there was taken away.
CREATE TABLE sites (
  site TEXT NOT NULL PRIMARY KEY,
  told_ms INTEGER NOT NULL -- when the newest bulletin was made that could be opened
) STRICT;
