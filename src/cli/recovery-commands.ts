// For paper: how what stock restic restored of a database gets into a server again, with the engine's own client. The manuals of the
// sources have the same commands, with all that may be said of them.

export const recoveryCommands = `A database is then a folder of files in its engine's own formats, /somewhere/<source>:

PostgreSQL      psql -X -f 01-globals.sql postgres
 each database  psql -X -v ON_ERROR_STOP=1 -f 00-database.sql postgres
 in its folder  psql -X -v ON_ERROR_STOP=1 -f 01-pre-data.sql -f load.sql -f post-data.sql <database>
MariaDB, MySQL  mariadb -f < 01-users.sql       (if there; now, and again when all databases are loaded)
 each database  mariadb < 00-database.sql; mariadb <database> < 01-tables.sql
 in its folder  mariadb --local-infile <database> < load.sql; mariadb <database> < post-data.sql
SQLite          cat create.sql data/*/*.sql finish.sql |
                  sqlite3 -bail -cmd '.dbconfig defensive off' -cmd '.dbconfig dqs_ddl on' /srv/new.db
SQL Server      sqlcmd -S server -U sa -x -b -I -f 65001 -i 00-database.sql
 each database  the same with -d <database> and -i 01-schema.sql, then with the .sql files below data in their order
 in its folder  (a line GO after every 500 lines), at last without -b and with -i post-data.sql
MongoDB         mongorestore --uri mongodb://restorer@server /somewhere/<source>     (--oplogReplay where oplog.bson is)
CouchDB         PUT /<database>, then POST the lines of each file of data, and those of design.jsonl, to its _bulk_docs
                as {"new_edits":false,"docs":[…]}. A stub of an attachment gets \`data\`, in base64, for \`stub\`, \`digest\` and
                \`length\`: it lies in the folder named as the file, as md5-<digest in hex>-<length>.
                At last PUT security.json as its _security.`;
