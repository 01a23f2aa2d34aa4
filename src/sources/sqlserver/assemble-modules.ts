// Views, procedures, functions and triggers: their text is kept by the server, under the name that it was first given.
import { intOf, isSet, nameOf, type Row, textOf } from './answers.ts';
import { type Assembly, byName, qualified } from './assemble.ts';
import { definitionOf, indexesOf, lookupOf } from './assemble-tables.ts';
import { plainName, type QualifiedName } from './identifiers.ts';
import type { Module, Table } from './model.ts';
import { withName } from './module-sql.ts';

export const makeModules = (assembly: Assembly, tables: readonly Table[]): Module[] => {
  noteOthers(assembly);
  return [...plainModules(assembly), ...triggers(assembly, tables)].toSorted(byName);
};

const kinds: Readonly<Record<string, Module['kind']>> = {
  V: 'view',
  P: 'procedure',
  FN: 'function',
  IF: 'function',
  TF: 'function',
};

const plainModules = (assembly: Assembly): Module[] => {
  const lookup = lookupOf(assembly, []);
  return assembly.rows.modules.flatMap((row) => {
    const kind = kinds[nameOf(row, 'type').trim()];
    const name = qualified(row);
    const definition = kind && definitionOf(assembly, row, `${kind} ${plainName(name)}`);
    if (kind === undefined || definition === undefined) return [];
    const indexes = kind === 'view' ? indexesOf(lookup, { id: intOf(row, 'id'), ...name }) : [];
    return [
      {
        ...name,
        kind,
        definition: withName(definition, name),
        ...settingsOf(row),
        ...(indexes.length > 0 && { indexes }),
      },
    ];
  });
};

const settingsOf = (row: Row): Pick<Module, 'ansiNulls' | 'quotedIdentifier'> => ({
  ansiNulls: textOf(row, 'ansiNulls') === undefined || isSet(row, 'ansiNulls'),
  quotedIdentifier: textOf(row, 'quotedIdentifier') === undefined || isSet(row, 'quotedIdentifier'),
});

const triggers = (assembly: Assembly, tables: readonly Table[]): Module[] => {
  const parents = new Map<number, QualifiedName>(
    [...assembly.rows.objects].map((row) => [intOf(row, 'id'), qualified(row)]),
  );
  const isLeftOut = (parent: QualifiedName, id: number): boolean =>
    assembly.rows.tables.some((row) => intOf(row, 'id') === id) &&
    !tables.some((table) => plainName(table) === plainName(parent));
  return assembly.rows.triggers.flatMap((row) => {
    const parentId = intOf(row, 'object');
    const parent = parents.get(parentId);
    if (parent && isLeftOut(parent, parentId)) return [];
    const name = { schema: parent?.schema ?? '', name: nameOf(row) };
    const what = parent ? `trigger ${plainName(name)}` : `database trigger ${name.name}`;
    if (parentId !== 0 && !parent) {
      assembly.notKept(`trigger ${name.name}`, 'what it is on is not to be seen');
      return [];
    }
    const definition = definitionOf(assembly, row, what);
    if (definition === undefined) return [];
    return [
      {
        ...name,
        kind: parent ? ('trigger' as const) : ('database trigger' as const),
        definition: parent ? withName(definition, name) : definition,
        ...settingsOf(row),
        ...(parent && { parent }),
        ...(isSet(row, 'disabled') && { disabled: true }),
      },
    ];
  });
};

/** What has no text of its own in T-SQL, or is of no kind that is known here. */
const noteOthers = ({ rows, notKept }: Assembly): void => {
  const names: Readonly<Record<string, string>> = {
    PC: 'CLR procedure',
    FS: 'CLR function',
    FT: 'CLR function',
    TA: 'CLR trigger',
    AF: 'aggregate',
    SQ: 'queue',
    R: 'rule',
    X: 'extended procedure',
    RF: 'replication filter',
    SP: 'security policy',
    EC: 'edge constraint',
    PG: 'plan guide',
  };
  for (const row of rows.objects) {
    const kind = names[nameOf(row, 'type').trim()];
    if (kind !== undefined)
      notKept(`${kind} ${nameOf(row, 'schema')}.${textOf(row, 'name')}`, 'its kind is not kept');
    // One of its own, bound to columns or types; all others are constraints of a table.
    if (nameOf(row, 'type').trim() === 'D' && intOf(row, 'parent') === 0)
      notKept(`default ${nameOf(row, 'schema')}.${textOf(row, 'name')}`, 'its kind is not kept');
  }
};
