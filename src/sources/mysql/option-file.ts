// Option files as the servers' own clients read them (https://dev.mysql.com/doc/refman/8.4/en/option-files.html).
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { readSettingsFile } from '../settings-file.ts';
import { isParameter, type ParameterName, type Parameters } from './parameters.ts';

/** The groups that every client reads. */
const groups = new Set(['client', 'client-server', 'client-mariadb']);

/** What a file says of connections; its other options are meant for other programs. */
export const readOptionFile = (file: string): Parameters => {
  const found: Partial<Record<ParameterName, string>> = {};
  read(file, found, 0);
  return found;
};

/** Files that include each other end here. */
const deepest = 10;

const read = (file: string, found: Partial<Record<ParameterName, string>>, depth: number): void => {
  if (depth > deepest)
    throw new HoldfastError('CONFIG_INVALID', `${file} is included by too many others, or by itself`);
  let group = '';
  for (const raw of readSettingsFile(file).split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const [, directive, path = ''] = /^!(include|includedir)\s+(.*)$/.exec(line) ?? [];
    if (directive === 'include') read(path, found, depth + 1);
    else if (directive === 'includedir')
      for (const name of readdirSync(path).toSorted())
        if (name.endsWith('.cnf')) read(join(path, name), found, depth + 1);
    group = /^\[(.*)\]$/.exec(line)?.[1]?.trim() ?? group;
    if (!groups.has(group) || line.startsWith('[') || line.startsWith('!')) continue;
    setOption(line, found);
  }
};

const setOption = (line: string, found: Partial<Record<ParameterName, string>>): void => {
  const [, raw = '', value] = /^([^=\s]+)\s*(?:=\s*(.*))?$/.exec(line) ?? [];
  const name = raw.replaceAll('_', '-').toLowerCase();
  if (name === 'skip-ssl' || (name === 'ssl' && /^(0|off|false)$/i.test(value ?? '')))
    found['ssl-mode'] = 'disabled';
  else if (name === 'ssl') found['ssl-mode'] ??= 'required';
  else if (name === 'ssl-verify-server-cert')
    found['ssl-mode'] = /^(0|off|false)$/i.test(value ?? '') ? 'required' : 'verify-identity';
  else if (isParameter(name) && value !== undefined) found[name] = unquoted(value);
};

const escaped: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', r: '\r', s: ' ', '\\': '\\' };

/** A comment may follow a value. */
const unquoted = (text: string): string => {
  const quoted = /^(?:"(.*?)"|'(.*?)')\s*(?:#.*)?$/.exec(text);
  const plain = quoted ? (quoted[1] ?? quoted[2] ?? '') : text.replace(/\s+#.*$/, '');
  return plain.replaceAll(/\\([btnrs\\])/g, (_, letter: string) => escaped[letter] ?? letter);
};
