// The server's own backup: it writes a file into a folder that Holdfast can read too.
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError, messageOf } from '#lib/errors.ts';
import type { Manifest } from '../manifest.ts';
import { folderEntry, textEntry } from '../own-entries.ts';
import type { Content, Entry } from '../source.ts';
import type { SqlServerConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import type { Dump } from './dump.ts';
import { quoteIdentifier, quoteText } from './identifiers.ts';
import { databaseFiles, databasePath, nativeFile } from './layout.ts';
import { errorNumber, serverMessage } from './server-error.ts';

export type NativeConfig = NonNullable<SqlServerConfig['native']>;

/** One file for the database; its consistency is the server's own. */
export async function* dumpNative(dump: Dump, native: NativeConfig, database: string): AsyncGenerator<Entry> {
  const folder = databasePath(database);
  yield folderEntry(folder);
  yield {
    path: `${folder}/${nativeFile}`,
    type: 'file',
    meta: { mode: 0o600 },
    content: () => backupContent(dump, native, database),
    item: database,
  };
  const manifest: Manifest = {
    manifest: 1,
    engine: 'sqlserver',
    engineVersion: dump.version,
    database,
    position: { isolation: 'BACKUP DATABASE' },
    capturedAt: dump.context.clock.now().toISOString(),
    tables: [],
    missing: [],
  };
  yield textEntry(`${folder}/${databaseFiles.manifest}`, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

async function* backupContent(
  dump: Dump,
  native: NativeConfig,
  database: string,
): AsyncGenerator<Uint8Array> {
  const { settings, context } = dump;
  const file = exchangeFile(native);
  try {
    await using connection = await connect(settings, settings.database ?? 'master', context.signal);
    await connection.run(backupSql(database, file.server, native.compression));
    for await (const chunk of createReadStream(file.local, {
      signal: context.signal,
      highWaterMark: 1024 * 1024,
    }))
      yield chunk as Buffer;
  } catch (error) {
    throwIfCancelled(context.signal);
    throw nativeError(error, database, native);
  } finally {
    await discard(dump, file.local);
  }
}

/** A copy that leaves the server's own chain of backups alone, with checksums of its pages. */
const backupSql = (database: string, file: string, compression: boolean): string =>
  `BACKUP DATABASE ${quoteIdentifier(database)} TO DISK = ${quoteText(file)} WITH COPY_ONLY, FORMAT, INIT, CHECKSUM${compression ? ', COMPRESSION' : ''}`;

const exchangeFile = ({
  serverFolder,
  localFolder,
}: NativeConfig): { readonly server: string; readonly local: string } => {
  const name = `holdfast-${randomUUID()}.bak`;
  const separator = /^[A-Za-z]:|\\/.test(serverFolder) ? '\\' : '/';
  return {
    server: `${serverFolder.replace(/[\\/]$/, '')}${separator}${name}`,
    local: join(localFolder, name),
  };
};

const nativeError = (
  error: unknown,
  database: string,
  { localFolder, serverFolder }: NativeConfig,
): unknown => {
  if (errorNumber(error) !== undefined)
    return new HoldfastError(
      'ITEM_UNREADABLE',
      `the server could not back up ${database}: ${serverMessage(error)}`,
      {
        hint: `add the login to db_backupoperator, and let the server write into ${serverFolder}`,
        cause: error,
      },
    );
  if (error instanceof HoldfastError) return error;
  return new HoldfastError(
    'ITEM_UNREADABLE',
    `the backup file of ${database} cannot be read: ${messageOf(error)}`,
    {
      hint: `${localFolder} must be the folder that the server calls ${serverFolder}, and the file readable`,
      cause: error,
    },
  );
};

const discard = async ({ context }: Pick<Dump, 'context'>, file: string): Promise<void> => {
  await rm(file, { force: true }).catch((error: unknown) => {
    context.log.warn(
      { file, error: asError(error).message },
      'the backup file could not be removed: remove it by hand',
    );
  });
};

export interface NativeRestore {
  readonly connection: Connection;
  readonly native: NativeConfig;
  readonly context: Dump['context'];
  /** What it is to be called. */
  readonly name: string;
  readonly replace: boolean;
  content(): Content;
}

/** Puts the file where the server can read it, and has it restored; its data files are named after the database. */
export const restoreNative = async (request: NativeRestore): Promise<void> => {
  const { connection, native, context, name, content } = request;
  const file = exchangeFile(native);
  try {
    await pipeline(Readable.from(content()), createWriteStream(file.local, { mode: 0o644, flags: 'wx' }), {
      signal: context.signal,
    });
    const files = await connection.query<{ LogicalName: string; Type: string; PhysicalName: string }>(
      `RESTORE FILELISTONLY FROM DISK = ${quoteText(file.server)}`,
    );
    const [paths] = await connection.query<{ data: string | null; log: string | null }>(
      `select convert(nvarchar(512), serverproperty('InstanceDefaultDataPath')) as data,
        convert(nvarchar(512), serverproperty('InstanceDefaultLogPath')) as log`,
    );
    await connection.run(
      restoreSql(name, file.server, files, {
        data: paths?.data ?? '',
        log: paths?.log ?? '',
        replace: request.replace,
      }),
    );
  } catch (error) {
    throwIfCancelled(context.signal);
    if (errorNumber(error) === undefined) throw error;
    throw new HoldfastError(
      'TARGET_FAILED',
      `the server could not restore ${name}: ${serverMessage(error)}`,
      {
        hint: `let the server read ${native.serverFolder}; the login needs dbcreator`,
        cause: error,
      },
    );
  } finally {
    await discard({ context }, file.local);
  }
};

interface RestoreFiles {
  readonly data: string;
  readonly log: string;
  readonly replace: boolean;
}

const restoreSql = (
  name: string,
  file: string,
  files: readonly { readonly LogicalName: string; readonly Type: string; readonly PhysicalName: string }[],
  { data, log, replace }: RestoreFiles,
): string => {
  const safe = name.replaceAll(/[^\p{L}\p{N}_-]/gu, '_');
  const moves = files.map(({ LogicalName, Type, PhysicalName }, at) => {
    const extension = /\.\w+$/.exec(PhysicalName)?.[0] ?? (Type === 'L' ? '.ldf' : '.ndf');
    const folder = Type === 'L' ? log : data;
    return `MOVE ${quoteText(LogicalName)} TO ${quoteText(`${folder}${safe}_${at}${extension}`)}`;
  });
  return `RESTORE DATABASE ${quoteIdentifier(name)} FROM DISK = ${quoteText(file)} WITH CHECKSUM, ${[...moves, ...(replace ? ['REPLACE'] : [])].join(', ')}`;
};
