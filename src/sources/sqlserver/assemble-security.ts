// Schemas, users, roles, permissions and extended properties.
import { intOf, nameOf, type Row, textOf } from './answers.ts';
import { type Assembly, compare, type FoundTable, optional, qualified } from './assemble.ts';
import type { Contents, Permission, Property, Subject } from './model.ts';

/** Others whose names begin so are the users' own. */
const fixedNames =
  'db_(?:owner|accessadmin|securityadmin|ddladmin|backupoperator|datareader|datawriter|denydatareader|denydatawriter)';

export const isFixedRole = (name: string): boolean => new RegExp(`^${fixedNames}$`, 'i').test(name);

/** Those that every database has are there already. */
const builtInSchemas = new RegExp(`^(sys|INFORMATION_SCHEMA|guest|dbo|${fixedNames})$`, 'i');

export const ownedSchemas = ({ rows }: Assembly): Contents['schemas'] =>
  rows.schemas
    .filter((row) => !builtInSchemas.test(nameOf(row)))
    .map((row) => ({ name: nameOf(row), ...optional('owner', ownerOf(textOf(row, 'owner'))) }))
    .toSorted(byOwnName);

const byOwnName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  compare(a.name, b.name);

/** dbo owns what nobody else does; what is the server's own owns nothing of the users'. */
const ownerOf = (owner: string | undefined): string | undefined =>
  owner === undefined || /^(dbo|public|sys|INFORMATION_SCHEMA)$/i.test(owner) ? undefined : owner;

const builtInPrincipals = new RegExp(`^(public|dbo|guest|sys|INFORMATION_SCHEMA|${fixedNames}|##.*)$`, 'i');

const ownPrincipals = (rows: Assembly['rows'], types: string): readonly Row[] =>
  rows.principals.filter(
    (row) => types.includes(nameOf(row, 'type').trim()) && !builtInPrincipals.test(nameOf(row)),
  );

/** With their members; the fixed roles too, where they have some. */
export const makeRoles = ({ rows }: Assembly): Contents['roles'] => {
  const names = new Map(rows.principals.map((row) => [intOf(row, 'id'), nameOf(row)]));
  const membersOf = (id: number): string[] =>
    rows.members
      .filter((each) => intOf(each, 'role') === id)
      .flatMap((each) => names.get(intOf(each, 'member')) ?? [])
      .filter((name) => name !== 'dbo')
      .toSorted(compare);
  const own = ownPrincipals(rows, 'R').map((row) => ({
    name: nameOf(row),
    ...optional('owner', ownerOf(names.get(intOf(row, 'owner')))),
    members: membersOf(intOf(row, 'id')),
  }));
  const fixed = rows.principals
    .filter((row) => isFixedRole(nameOf(row)))
    .map((row) => ({ name: nameOf(row), members: membersOf(intOf(row, 'id')) }))
    .filter(({ members }) => members.length > 0);
  return [...own, ...fixed].toSorted(byOwnName);
};

/** SQL users, Windows users and groups, external ones. Passwords belong to logins, which are the server's. */
export const makeUsers = ({ rows }: Assembly): Contents['users'] => {
  const logins = new Map(rows.logins.map((row) => [intOf(row, 'id'), textOf(row, 'login')]));
  return ownPrincipals(rows, 'SUGEX')
    .map((row) => ({
      name: nameOf(row),
      ...optional('login', logins.get(intOf(row, 'id'))),
      ...optional('defaultSchema', textOf(row, 'defaultSchema')),
    }))
    .toSorted(byOwnName);
};

/** By sys.objects.type: how sp_addextendedproperty calls it, and whether it is a part of something else. */
const objectKinds: Readonly<Record<string, readonly [kind: string, isPart: boolean]>> = {
  U: ['TABLE', false],
  V: ['VIEW', false],
  P: ['PROCEDURE', false],
  FN: ['FUNCTION', false],
  IF: ['FUNCTION', false],
  TF: ['FUNCTION', false],
  SN: ['SYNONYM', false],
  SO: ['SEQUENCE', false],
  TR: ['TRIGGER', true],
  C: ['CONSTRAINT', true],
  D: ['CONSTRAINT', true],
  F: ['CONSTRAINT', true],
  PK: ['CONSTRAINT', true],
  UQ: ['CONSTRAINT', true],
};

/** What class, major and minor number mean; undefined for what is not in the backup. */
const subjectReader = ({ rows }: Assembly, found: readonly FoundTable[]) => {
  const objects = new Map(rows.objects.map((row) => [intOf(row, 'id'), row]));
  const kept = new Set(found.map(({ id }) => id));
  const leftOut = new Set(rows.tables.map((row) => intOf(row, 'id')).filter((id) => !kept.has(id)));
  const columns = Map.groupBy(rows.columns, (row) => intOf(row, 'object'));
  const objectSubject = (id: number, columnId: number): Subject | undefined => {
    const row = objects.get(id);
    const [kind, isPart] = objectKinds[nameOf(row ?? {}, 'type').trim()] ?? [];
    if (!row || kind === undefined || leftOut.has(id) || leftOut.has(intOf(row, 'parent'))) return undefined;
    if (isPart) {
      const parent = objects.get(intOf(row, 'parent'));
      if (!parent) return undefined;
      const [parentKind = 'TABLE'] = objectKinds[nameOf(parent, 'type').trim()] ?? [];
      return { of: 'part', kind, part: nameOf(row), parent: parentKind, ...qualified(parent) };
    }
    if (columnId === 0) return { of: 'object', kind, ...qualified(row) };
    const column = columns.get(id)?.find((each) => intOf(each, 'id') === columnId);
    return column && { of: 'column', kind, ...qualified(row), column: nameOf(column) };
  };
  const indexSubject = (id: number, indexId: number): Subject | undefined => {
    const row = objects.get(id);
    const index = rows.indexes.find((each) => intOf(each, 'object') === id && intOf(each, 'id') === indexId);
    if (!row || !index || leftOut.has(id)) return undefined;
    const [parent = 'TABLE'] = objectKinds[nameOf(row, 'type').trim()] ?? [];
    return { of: 'part', kind: 'INDEX', part: nameOf(index), parent, ...qualified(row) };
  };
  return (row: Row): Subject | undefined => {
    const major = intOf(row, 'major');
    const minor = intOf(row, 'minor');
    switch (intOf(row, 'class')) {
      case 0:
        return { of: 'database' };
      case 1:
        return objectSubject(major, minor);
      case 3: {
        const schema = rows.schemas.find((each) => intOf(each, 'id') === major);
        return schema && { of: 'schema', name: nameOf(schema) };
      }
      case 6: {
        const type = rows.types.find((each) => intOf(each, 'id') === major);
        return type && { of: 'type', ...qualified(type) };
      }
      case 7:
        return indexSubject(major, minor);
      default:
        return undefined;
    }
  };
};

export const makeProperties = (assembly: Assembly, found: readonly FoundTable[]): Property[] => {
  const subjectOf = subjectReader(assembly, found);
  return assembly.rows.properties
    .flatMap((row) => {
      const subject = subjectOf(row);
      const value = textOf(row, 'value');
      if (!subject || value === undefined) {
        if (intOf(row, 'class') > 1) assembly.notKept(`property ${nameOf(row)}`, 'of what it is on');
        return [];
      }
      return [{ subject, name: nameOf(row), value }];
    })
    .toSorted(byText);
};

const states: Readonly<Record<string, Permission['state']>> = {
  G: 'GRANT',
  W: 'GRANT WITH GRANT OPTION',
  D: 'DENY',
  R: 'REVOKE',
};

export const makePermissions = (assembly: Assembly, found: readonly FoundTable[]): Permission[] => {
  const subjectOf = subjectReader(assembly, found);
  const names = new Map(assembly.rows.principals.map((row) => [intOf(row, 'id'), nameOf(row)]));
  return assembly.rows.permissions
    .flatMap((row) => {
      const subject = subjectOf(row);
      const grantee = names.get(intOf(row, 'grantee'));
      const state = states[nameOf(row, 'state').trim()];
      if (!subject || grantee === undefined || grantee === 'dbo' || !state) return [];
      return [{ subject, permission: nameOf(row, 'permission'), state, grantee }];
    })
    .toSorted(byText);
};

const byText = (a: object, b: object): number => compare(JSON.stringify(a), JSON.stringify(b));
