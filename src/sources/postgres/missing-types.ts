// The enumerations, domains and composite types of a table's columns, where the database does not have them.
import type { Reporter } from '../restore-report.ts';
import type { Connection } from './connect.ts';
import { plainName, type QualifiedName, quoteLiteral, quoteName } from './identifiers.ts';
import type { ItemRunner } from './run-items.ts';
import type { SqlItem } from './sql-items.ts';
import { mentions } from './table-items.ts';

export interface MissingTypesOptions {
  readonly runner: ItemRunner;
  readonly preData: readonly SqlItem[];
  readonly reporter: Reporter;
  /** Makes the schema of a type where that is not there either. */
  makeSchema(type: QualifiedName): Promise<void>;
}

/** Makes what these items of a table name, and what that names in turn, as it was captured; what is there stays as it is. */
export const makeMissingTypes = async (
  connection: Connection,
  tableItems: readonly SqlItem[],
  options: MissingTypesOptions,
): Promise<void> => {
  const types = options.preData.filter(isType);
  const needed = new Set<SqlItem>();
  const look = (items: readonly SqlItem[]): void => {
    for (const type of types)
      if (!needed.has(type) && items.some((item) => item !== type && names(item, type))) {
        needed.add(type);
        look([type]);
      }
  };
  look(tableItems);
  for (const type of types)
    if (needed.has(type) && !(await isThere(connection, type))) await make(connection, type, options);
};

const isType = ({ type }: SqlItem): boolean => type === 'TYPE' || type === 'DOMAIN';

const names = ({ statements }: SqlItem, type: SqlItem): boolean =>
  statements.some((statement) => mentions(statement, type));

/** A relation of that name is a type, too. */
const isThere = async (connection: Connection, type: SqlItem): Promise<boolean> => {
  const [row] = await connection.query<{ exists: boolean }>(
    `select to_regtype(${quoteLiteral(quoteName(type))}) is not null as exists`,
  );
  return row?.exists ?? false;
};

const make = async (connection: Connection, type: SqlItem, options: MissingTypesOptions): Promise<void> => {
  await options.makeSchema(type);
  const aboutIt = [`${type.type} ${type.name}`, `TYPE ${type.name}`]; // privileges of a domain are said to be of a type
  const about = options.preData.filter(
    ({ name, schema }) => schema === type.schema && aboutIt.includes(name),
  );
  for (const item of [type, ...about]) await options.runner.run(connection, item, 'transaction');
  options.reporter.warn(`${type.type.toLowerCase()} ${plainName(type)} was missing: it was created`);
};
