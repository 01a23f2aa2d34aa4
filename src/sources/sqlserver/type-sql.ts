// The name of a type as it stands in a definition.
import { quoteIdentifier } from './identifiers.ts';
import type { TypeUse } from './model.ts';

/** 'nvarchar(50)', 'decimal(18,4)', '[dbo].[code]'. */
export const typeSql = (type: TypeUse): string =>
  type.schema === undefined
    ? baseTypeSql(type)
    : `${quoteIdentifier(type.schema)}.${quoteIdentifier(type.name)}`;

/** The same with a type of the users' own as what lies beneath it. */
export const baseTypeSql = ({ base, maxLength, precision, scale }: TypeUse): string => {
  switch (base) {
    case 'char':
    case 'varchar':
    case 'binary':
    case 'varbinary':
      return `${base}(${maxLength < 0 ? 'max' : maxLength})`;
    case 'nchar':
    case 'nvarchar':
      return `${base}(${maxLength < 0 ? 'max' : maxLength / 2})`;
    case 'decimal':
    case 'numeric':
      return `${base}(${precision},${scale})`;
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return `${base}(${scale})`;
    case 'vector':
      return `vector(${(maxLength - 8) / 4})`; // a header of 8 bytes, then single precision
    default:
      return base;
  }
};
