// Names and comments that servers write into the text of a routine, trigger or event: in UTF-8, while the rest is in the character
// set of whoever wrote it. Executed as one text in that character set, they would become others.
import { isUtf8 } from 'node:buffer';
import { bytesOf } from './binary-text.ts';
import type { Connection } from './connect.ts';
import type { SqlItem } from './sql-items.ts';

const quoted = '`(?:[^`]|``)*`';
const text = String.raw`'(?:[^'\\]|''|\\[\s\S])*'`;
const start = `^CREATE (?:DEFINER=${quoted}@${quoted} )?`;
const event = `${start}EVENT ${quoted} ON SCHEDULE (?:${text}|[^'])*? DO `;
const comment = String.raw`\n    COMMENT ${text}\n`;

/** What is in UTF-8; everything else lies behind the one place, or around it. */
const places = {
  mysql: {
    procedure: [`${start}PROCEDURE ${quoted}`, comment],
    function: [`${start}FUNCTION ${quoted}`, comment],
    trigger: [String.raw`${start}TRIGGER ${quoted} \w+ \w+ ON ${quoted}`],
    event: [event],
  },
  mariadb: {
    procedure: [comment],
    function: [comment],
    trigger: [],
    event: [event],
  },
} as const;

/** The item with all of its statement in the character set of its session. What cannot be written in that stays as it is. */
export const inOneCharset = async (connection: Connection, item: SqlItem): Promise<SqlItem> => {
  const { type, session, statement } = item;
  const own: Partial<Record<SqlItem['type'], readonly string[]>> = places[connection.version.engine];
  if (!session || session.charset.startsWith('utf8')) return item;
  let converted = statement;
  for (const place of own[type] ?? []) {
    const [found = ''] = new RegExp(place).exec(converted) ?? [];
    const bytes = bytesOf(found);
    if (!/[\x80-\xff]/.test(found) || !isUtf8(bytes)) continue;
    const hex = bytes.toString('hex');
    const [row] = await connection.queryBytes<{ own: string; same: string }>(
      `select convert(_utf8mb4 x'${hex}' using ${session.charset}) as own,
        hex(convert(convert(_utf8mb4 x'${hex}' using ${session.charset}) using utf8mb4)) = '${hex}' as same`,
    );
    if (row?.same === '1') converted = converted.replace(found, () => row.own);
  }
  return { ...item, statement: converted };
};
