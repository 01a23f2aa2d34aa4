// Users, roles, owners, extended properties and permissions as T-SQL. All of it is decoration: data is whole without it.
import { isFixedRole } from './assemble-security.ts';
import { plainName, type QualifiedName, quoteIdentifier, quoteName, quoteText } from './identifiers.ts';
import type { Contents, Permission, Property, Subject } from './model.ts';
import type { Statement } from './statements.ts';

export const securityStatements = (contents: Contents): Statement[] => [
  ...contents.users.map((user) => decoration(`user ${user.name}`, [createUserSql(user)])),
  ...contents.roles.flatMap(({ name, owner }) => {
    if (isFixedRole(name)) return []; // here for its members
    const by = owner === undefined ? '' : ` AUTHORIZATION ${quoteIdentifier(owner)}`;
    return [decoration(`role ${name}`, [`CREATE ROLE ${quoteIdentifier(name)}${by}`])];
  }),
  ...contents.roles.flatMap(({ name, members }) =>
    members.map((member) =>
      decoration(`member ${member} of ${name}`, [
        `ALTER ROLE ${quoteIdentifier(name)} ADD MEMBER ${quoteIdentifier(member)}`,
      ]),
    ),
  ),
  ...contents.schemas.flatMap(({ name, owner }) =>
    owner === undefined
      ? []
      : [
          decoration(`owner of schema ${name}`, [
            `ALTER AUTHORIZATION ON SCHEMA::${quoteIdentifier(name)} TO ${quoteIdentifier(owner)}`,
          ]),
        ],
  ),
  ...contents.properties.map(ofProperty),
  ...contents.permissions.map(ofPermission),
];

/** Properties and permissions of one table and what is in it. */
export const subjectStatements = (
  { properties, permissions }: Contents,
  table: QualifiedName,
): Statement[] => {
  const isOf = ({ subject }: { readonly subject: Subject }): boolean =>
    'schema' in subject && subject.of !== 'type' && plainName(subject) === plainName(table);
  return [...properties.filter(isOf).map(ofProperty), ...permissions.filter(isOf).map(ofPermission)];
};

const decoration = (what: string, batches: readonly string[]): Statement => ({
  what,
  batches,
  isDecoration: true,
});

/** For its login where the server has one of that name, else without: it then owns and is granted, but nobody can be it. */
const createUserSql = ({ name, login, defaultSchema }: Contents['users'][number]): string => {
  const user = `CREATE USER ${quoteIdentifier(name)}`;
  const schema =
    defaultSchema === undefined ? '' : ` WITH DEFAULT_SCHEMA = ${quoteIdentifier(defaultSchema)}`;
  const without = `${user} WITHOUT LOGIN${schema}`;
  if (login === undefined) return without;
  return `IF SUSER_ID(${quoteText(login)}) IS NOT NULL ${user} FOR LOGIN ${quoteIdentifier(login)}${schema} ELSE ${without}`;
};

const ofProperty = ({ subject, name, value }: Property): Statement => {
  const levels = levelsOf(subject)
    .map(
      ([kind, level], at) => `, @level${at}type = ${quoteText(kind)}, @level${at}name = ${quoteText(level)}`,
    )
    .join('');
  return decoration(`property ${name} of ${subjectName(subject)}`, [
    `EXEC sys.sp_addextendedproperty @name = ${quoteText(name)}, @value = ${quoteText(value)}${levels}`,
  ]);
};

type Levels = readonly (readonly [kind: string, name: string])[];

const levelsOf = (subject: Subject): Levels => {
  switch (subject.of) {
    case 'database':
      return [];
    case 'schema':
      return [['SCHEMA', subject.name]];
    case 'type':
      return [
        ['SCHEMA', subject.schema],
        ['TYPE', subject.name],
      ];
    case 'object':
      return [
        ['SCHEMA', subject.schema],
        [subject.kind, subject.name],
      ];
    case 'column':
      return [
        ['SCHEMA', subject.schema],
        [subject.kind, subject.name],
        ['COLUMN', subject.column],
      ];
    case 'part':
      return [
        ['SCHEMA', subject.schema],
        [subject.parent, subject.name],
        [subject.kind, subject.part],
      ];
  }
};

const subjectName = (subject: Subject): string =>
  levelsOf(subject)
    .map(([, name]) => name)
    .join('.') || 'the database';

const ofPermission = ({ subject, permission, state, grantee }: Permission): Statement => {
  const columns = subject.of === 'column' ? ` (${quoteIdentifier(subject.column)})` : '';
  const verb = state === 'GRANT WITH GRANT OPTION' ? 'GRANT' : state;
  const after = state === 'GRANT WITH GRANT OPTION' ? ' WITH GRANT OPTION' : '';
  return decoration(`permission ${permission} on ${subjectName(subject)} for ${grantee}`, [
    `${verb} ${permission}${columns}${onSql(subject)} TO ${quoteIdentifier(grantee)}${after}`,
  ]);
};

const onSql = (subject: Subject): string => {
  switch (subject.of) {
    case 'database':
      return '';
    case 'schema':
      return ` ON SCHEMA::${quoteIdentifier(subject.name)}`;
    case 'type':
      return ` ON TYPE::${quoteName(subject)}`;
    default:
      return ` ON OBJECT::${quoteName(subject)}`;
  }
};
