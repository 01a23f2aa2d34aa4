// pg_dump's output taken apart: its items as their heading comments name them, and each item's statements.
import { isUtf8 } from 'node:buffer';
import { lexSql } from './sql-lexer.ts';

/** One thing that pg_dump wrote, such as a table or a comment on it. */
export interface SqlItem {
  /** 'orders', 'orders orders_pkey', 'TABLE orders': by its type. */
  readonly name: string;
  /** 'TABLE', 'CONSTRAINT', 'ACL'. */
  readonly type: string;
  /** '-' for what is in no schema. */
  readonly schema: string;
  readonly owner: string;
  readonly statements: readonly string[];
  /** `SET default_…` statements that are in force for it. */
  readonly settings: readonly string[];
}

export interface SqlItems {
  /** What comes before the first item: session settings. */
  readonly preamble: readonly string[];
  readonly items: readonly SqlItem[];
}

/** Throws TARGET_FAILED where the text is not complete. Commands of psql are left out. */
export const itemsOf = (sql: string): SqlItems => {
  const preamble: string[] = [];
  const items: { item: SqlItem; statements: string[] }[] = [];
  const settings = new Map<string, string>();
  for (const { text, comments } of lexSql(sql)) {
    const heading = comments.map(parseHeading).findLast((found) => found !== undefined);
    if (heading) {
      const statements: string[] = [];
      items.push({ item: { ...heading, statements, settings: [...settings.values()] }, statements });
    }
    const current = items.at(-1);
    const setting = /^set\s+(default_\w+)\s*=/i.exec(text)?.[1];
    if (setting) settings.set(setting, text);
    else if (current) current.statements.push(text);
    else preamble.push(text);
  }
  return { preamble, items: items.map(({ item }) => item) };
};

/** The same of a file. A database in SQL_ASCII may have text in any encoding, or in several. */
export const itemsOfFile = (bytes: Buffer): SqlItems => {
  if (isUtf8(bytes)) return itemsOf(bytes.toString('utf8'));
  const { preamble, items } = itemsOf(bytes.toString('latin1'));
  return {
    preamble,
    items: items.map((item) => ({ ...item, statements: item.statements.map(statementOf) })),
  };
};

/** A statement whose characters are bytes; one that cannot be sent as text is made of them by the server. */
const statementOf = (latin1: string): string => {
  const bytes = Buffer.from(latin1, 'latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return `do $holdfast$ begin execute pg_catalog.convert_from('\\x${bytes.toString('hex')}', 'SQL_ASCII'); end $holdfast$;`;
};

/** `-- Name: orders; Type: TABLE; Schema: public; Owner: shop`, with a tablespace behind it where there is one. */
const parseHeading = (comment: string): Omit<SqlItem, 'statements' | 'settings'> | undefined => {
  const match =
    /^-- (?:Data for )?Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: (.*?)(?:; Tablespace: .*)?$/.exec(
      comment,
    );
  if (!match) return undefined;
  const [, name = '', type = '', schema = '', owner = ''] = match;
  return { name, type, schema, owner };
};
