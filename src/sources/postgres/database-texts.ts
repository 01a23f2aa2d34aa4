// The small files of a database, as they come before, between and after its rows.
import * as shared from '../database-texts.ts';
import { type Contents, parseContents } from './contents.ts';
import type { EntryStream } from './entry-stream.ts';
import { type DatabaseFile, databaseFiles, databasePath } from './layout.ts';
import { itemsOfFile, type SqlItem } from './sql-items.ts';

export class DatabaseTexts extends shared.DatabaseTexts<Contents> {
  constructor(stream: EntryStream, database: string) {
    const { contents, load } = databaseFiles;
    super(stream, database, { folder: databasePath, contents, parseContents, passedOver: [load] });
  }

  /** The statements that make the database. */
  databaseScript(): string {
    return this.need(databaseFiles.database).toString('utf8');
  }

  /** What a script of pg_dump makes. */
  items(file: DatabaseFile): readonly SqlItem[] {
    return itemsOfFile(this.need(file)).items;
  }
}
