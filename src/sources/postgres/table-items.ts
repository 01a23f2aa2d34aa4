// Which of pg_dump's items belong to a table, told by what their statements say of it.
import type { Contents, SequenceValue } from './contents.ts';
import { type QualifiedName, quoteIdentifier } from './identifiers.ts';
import type { SqlItem } from './sql-items.ts';

/** All items without which the table would not be what it was, in their order. */
export const itemsOfTable = (
  items: readonly SqlItem[],
  table: QualifiedName,
  contents: Contents,
): SqlItem[] => {
  const matchers = [
    mentioning(table, aboutTable(table)),
    ...ownedSequences(contents, table).map((sequence) => mentioning(sequence, aboutSequence(sequence))),
  ];
  const belongs = new Set(items.filter((item) => matchers.some((isAbout) => isAbout(item))));
  const indexes = new Set(
    [...belongs].map((item) => indexNameOf(item, table)).filter((name) => name !== undefined),
  );
  const isAboutIndex = ({ type, name, schema, statements }: SqlItem): boolean =>
    isHeadedBy(table.schema, schema) &&
    statements.some((text) => text.includes(written(table.schema))) &&
    ((type === 'INDEX ATTACH' && indexes.has(name)) ||
      (type === 'COMMENT' &&
        name.startsWith('INDEX ') &&
        indexes.has(unquoted(name.slice('INDEX '.length)))));
  return items.filter((item) => belongs.has(item) || isAboutIndex(item));
};

export const ownedSequences = ({ sequences }: Contents, { schema, name }: QualifiedName): SequenceValue[] =>
  sequences.filter(({ owner }) => owner?.name === name && owner.schema === schema);

/** Whether an item is of the schema itself or of something in it. */
export const isOfSchema = ({ type, name, schema }: SqlItem, wanted: string): boolean =>
  isHeadedBy(wanted, schema) ||
  (type === 'SCHEMA' && isHeadedBy(wanted, name)) ||
  (name.startsWith('SCHEMA ') &&
    schema === '-' &&
    isHeadedBy(wanted, unquoted(name.slice('SCHEMA '.length))));

/** Whether a heading means this name, of which it has every line break as a space. */
const isHeadedBy = (name: string, heading: string): boolean => name.replaceAll(/[\r\n]/g, ' ') === heading;

/** Whether a statement names this relation or type, as pg_dump writes names. */
export const mentions = (statement: string, name: QualifiedName): boolean =>
  statement.includes(written(name.name)) &&
  new RegExp(`(?<![\\w$".])${nameSource(name)}(?![\\w$"])`).test(statement);

type Matcher = (item: SqlItem) => boolean;

/** Of thousands of tables nearly all items are about others, which patterns take long to find. */
const mentioning = ({ name }: QualifiedName, isAbout: Matcher): Matcher => {
  const text = written(name);
  return (item) => item.statements.some((statement) => statement.includes(text)) && isAbout(item);
};

const written = (name: string): string => name.replaceAll('"', '""');

const aboutTable = (table: QualifiedName): Matcher => {
  const source = nameSource(table);
  const patterns = new Map(Object.entries(byStatement).map(([type, make]) => [type, make(source)]));
  return ({ type, name, schema, statements }) => {
    if (byHeading.has(type)) return isHeadedBy(table.name, name) && isHeadedBy(table.schema, schema);
    const pattern = patterns.get(type);
    return pattern !== undefined && statements.some((text) => pattern.test(text));
  };
};

const aboutSequence = (sequence: QualifiedName): Matcher => {
  const pattern = new RegExp(` ON SEQUENCE ${nameSource(sequence)} `);
  return ({ type, name, schema, statements }) =>
    type === 'SEQUENCE' || type === 'SEQUENCE OWNED BY'
      ? isHeadedBy(sequence.name, name) && isHeadedBy(sequence.schema, schema)
      : (type === 'ACL' || type === 'COMMENT') && statements.some((text) => pattern.test(text));
};

const byHeading = new Set(['TABLE', 'FOREIGN TABLE', 'ROW SECURITY', 'TABLE ATTACH']);

const alterTable = (name: string): RegExp => new RegExp(`^ALTER (?:FOREIGN )?TABLE (?:ONLY )?${name}\\s`);

/** By type, where a statement names its table. */
const byStatement: Readonly<Record<string, (name: string) => RegExp>> = {
  DEFAULT: alterTable,
  CONSTRAINT: alterTable,
  'CHECK CONSTRAINT': alterTable,
  'FK CONSTRAINT': alterTable,
  INDEX: (name) => new RegExp(`^CREATE (?:UNIQUE )?INDEX .* ON (?:ONLY )?${name} USING `, 's'),
  TRIGGER: (name) =>
    new RegExp(`^(?:CREATE (?:CONSTRAINT )?TRIGGER .* ON ${name} |ALTER TABLE ${name} )`, 's'),
  RULE: (name) => new RegExp(`^CREATE RULE .*\\s+ON [A-Z]+ TO ${name}\\s`, 's'),
  POLICY: (name) => new RegExp(`^CREATE POLICY .* ON ${name}[ ;]`, 's'),
  STATISTICS: (name) => new RegExp(` FROM ${name};$`),
  COMMENT: (name) =>
    new RegExp(
      `^COMMENT ON (?:(?:TABLE|COLUMN) ${name}[. ]|(?:CONSTRAINT|TRIGGER|RULE|POLICY) .* ON ${name} IS )`,
      's',
    ),
  ACL: (name) => new RegExp(`^(?:GRANT|REVOKE) .* ON TABLE ${name} `, 's'),
  'PUBLICATION TABLE': (name) => new RegExp(` ADD TABLE (?:ONLY )?${name}[ ;(]`),
  'SECURITY LABEL': (name) => new RegExp(` ON (?:TABLE|COLUMN) ${name}[. ]`),
};

const indexNameOf = ({ type, name }: SqlItem, table: QualifiedName): string | undefined => {
  if (type === 'INDEX') return name;
  return type === 'CONSTRAINT' ? name.slice(table.name.length + 1) : undefined;
};

const unquoted = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;

/** pg_dump quotes a name only where it must; which words need it depends on its version. */
const nameSource = ({ schema, name }: QualifiedName): string => `${partSource(schema)}\\.${partSource(name)}`;

const partSource = (part: string): string => {
  const quoted = quoteIdentifier(part).replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return /^[a-z_][a-z0-9_]*$/.test(part) ? `(?:${part}|${quoted})` : quoted;
};

/**
 * The statement about relations of other names. What is in quotes stays, since it may be anybody's text, but for the
 * sequences that defaults name.
 */
export const withOtherNames = (
  statement: string,
  names: readonly (readonly [from: QualifiedName, to: string])[],
): string => {
  const outside = new RegExp(
    `(${nextValue})|('(?:[^']|'')*')|(?<![\\w$".])(?:${names.map(([from]) => `(${nameSource(from)})`).join('|')})(?![\\w$"])`,
    'g',
  );
  return statement.replace(outside, (all: string, ...groups: (string | undefined)[]) => {
    const [sequence, text, ...matches] = groups.slice(0, names.length + 2);
    if (text !== undefined) return all;
    if (sequence !== undefined) return otherSequence(sequence, names);
    const to = names[matches.findIndex((match) => match !== undefined)]?.[1];
    return to ?? all;
  });
};

/** With quotes where `quote_all_identifiers` is set. */
const nextValue = String.raw`"?nextval"?\('(?:[^']|'')*'::"?regclass"?\)`;

const otherSequence = (
  call: string,
  names: readonly (readonly [from: QualifiedName, to: string])[],
): string => {
  const inner = call.slice(call.indexOf("'") + 1, call.lastIndexOf("'")).replaceAll("''", "'");
  const to = names.find(([from]) => new RegExp(`^${nameSource(from)}$`).test(inner))?.[1];
  return to === undefined ? call : `nextval('${to.replaceAll("'", "''")}'::regclass)`;
};
