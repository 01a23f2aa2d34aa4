// Names of users and groups, read once from the local files. Names that only a directory service knows stay unknown.
import { readFileSync } from 'node:fs';

export interface Accounts {
  user(id: number): string | undefined;
  group(id: number): string | undefined;
}

/** The accounts of this machine; none where it has no such files. */
export const localAccounts = (passwd = '/etc/passwd', group = '/etc/group'): Accounts => {
  const users = namesById(passwd);
  const groups = namesById(group);
  return { user: (id) => users.get(id), group: (id) => groups.get(id) };
};

/** Both files have the name first and the id third; the first line with an id counts, as it does for the system. */
const namesById = (file: string): ReadonlyMap<number, string> => {
  const names = new Map<number, string>();
  for (const line of linesOf(file)) {
    const [name, , id] = line.split(':');
    if (name && id && /^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
};

const linesOf = (file: string): string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return []; // ids are kept all the same
  }
};
