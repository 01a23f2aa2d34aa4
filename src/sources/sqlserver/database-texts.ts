// The small files of a database, as they come before and after its rows.
import * as shared from '../database-texts.ts';
import type { EntryStream } from './entry-stream.ts';
import { databaseFiles, databasePath } from './layout.ts';
import { type Contents, parseContents } from './model.ts';

const { contents, manifest, ...forSqlcmd } = databaseFiles;
const passedOver = Object.values(forSqlcmd); // they say the same

export class DatabaseTexts extends shared.DatabaseTexts<Contents> {
  constructor(stream: EntryStream, database: string) {
    super(stream, database, { folder: databasePath, contents, parseContents, passedOver });
  }
}
