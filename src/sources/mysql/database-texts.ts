// The small files of a database, as they come before, between and after its rows.
import * as shared from '../database-texts.ts';
import { type Contents, parseContents } from './contents.ts';
import type { EntryStream } from './entry-stream.ts';
import { type DatabaseFile, databaseFiles, databasePath } from './layout.ts';
import { itemsOf, type SqlItem } from './sql-items.ts';

export class DatabaseTexts extends shared.DatabaseTexts<Contents> {
  constructor(stream: EntryStream, database: string) {
    const { contents, load } = databaseFiles;
    super(stream, database, { folder: databasePath, contents, parseContents, passedOver: [load] });
  }

  /** The definitions of a script. */
  items(file: DatabaseFile): readonly SqlItem[] {
    return itemsOf(this.need(file));
  }

  /** The statement that makes the database. */
  databaseStatement(): string {
    const [item] = this.items(databaseFiles.database);
    return item?.statement ?? '';
  }
}
