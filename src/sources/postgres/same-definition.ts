// A definition without what a server writes otherwise once it has read its own words. `check (state in ('a', 'b'))` on a varchar is
// shown as `ANY ((ARRAY['a'::character varying, …])::text[])`, and where that was executed as `ANY (ARRAY[('a'::character varying)::text, …])`.

const identifier = '(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)';
const typeName = `(?<type>(?:${identifier}\\.)?${identifier}(?: varying| precision)?)(?:\\(\\d+(?:,\\d+)?\\))?(?<zone> with(?:out)? time zone)?(?:\\[\\])*`;
const token = new RegExp(
  [
    `(?<kept>'(?:[^']|'')*'|\\$(?<tag>(?:[A-Za-z_]\\w*)?)\\$[\\s\\S]*?\\$\\k<tag>\\$|"(?:[^"]|"")*")`,
    `::${typeName}(?:\\)*\\s+AS (?<alias>${identifier}))?`,
    `(?<left>[\\s()]+)`,
    `(?<word>\\w+|.)`,
  ].join('|'),
  'g',
);

/** The words and values of it, without parentheses, casts, the case of keywords, and names that a cast alone gives to a column. */
export const comparable = (definition: string): string => {
  const words: string[] = [];
  for (const { groups = {} } of definition.matchAll(token)) {
    const { kept, type, zone = '', alias, word } = groups;
    if (kept !== undefined) words.push(kept);
    else if (word !== undefined) words.push(word.toLowerCase());
    else if (alias !== undefined && unquoted(alias) !== columnNameOf(`${type}${zone}`))
      words.push('as', alias);
  }
  return words.join(' ');
};

const unquoted = (name: string): string => name.replaceAll('"', '');

/** What a column is called that is nothing but a cast to that type. */
const columnNameOf = (type: string): string =>
  ownNames.get(type) ?? unquoted(type.slice(type.lastIndexOf('.') + 1));

const ownNames: ReadonlyMap<string, string> = new Map([
  ['smallint', 'int2'],
  ['integer', 'int4'],
  ['bigint', 'int8'],
  ['real', 'float4'],
  ['double precision', 'float8'],
  ['boolean', 'bool'],
  ['character', 'bpchar'],
  ['character varying', 'varchar'],
  ['bit varying', 'varbit'],
  ['time without time zone', 'time'],
  ['time with time zone', 'timetz'],
  ['timestamp without time zone', 'timestamp'],
  ['timestamp with time zone', 'timestamptz'],
]);
