// What an entry of the oplog means for a replay, in the way of mongorestore (mongorestore/oplog.go, common/txn): pure, and
// one entry after the other, because transactions come in several.
import { HoldfastError } from '#lib/errors.ts';
import { decode, documentAt, documentsAt, elementAt, elementsOf, emptyDocument, stringAt } from './bson.ts';
import { withoutNamespace } from './new-collection.ts';

export type Step =
  /** An entry for the server's `applyOps`, with the names of the target. */
  | { readonly kind: 'apply'; readonly entry: ReadonlyMap<string, unknown>; readonly raw: Uint8Array }
  | {
      readonly kind: 'command';
      readonly database: string;
      readonly command: Readonly<Record<string, unknown>>;
    };

/** The names in the target of what had this name; undefined for what is not restored. */
export type Renaming = (
  database: string,
  collection: string,
) => { readonly database: string; readonly name: string } | undefined;

/** Nothing changes by these, or the server makes them itself. */
const ignoredOperations: readonly string[] = ['n', 'cd', 'ci', 'cu', 'km'];
const ignoredCommands: readonly string[] = [
  'startIndexBuild',
  'abortIndexBuild',
  'setMultikeyMetadata',
  'dropIdent',
  'dbCheck',
];
const appliedCommands: readonly string[] = ['create', 'drop', 'convertToCapped', 'emptycapped', 'collMod'];
const ignoredDatabases: readonly string[] = ['config', 'local'];

/** Entries in their order into steps in theirs. */
export class OplogSteps {
  readonly #rename: Renaming;
  /** Of each transaction that is not over, what it did so far. */
  readonly #transactions = new Map<string, Uint8Array[]>();

  constructor(rename: Renaming) {
    this.#rename = rename;
  }

  of(entry: Uint8Array): Step[] {
    const namespace = stringAt(entry, 'ns') ?? '';
    const [database = ''] = namespace.split('.');
    const operation = stringAt(entry, 'op') ?? '';
    if (ignoredOperations.includes(operation) || database.startsWith('__mdb_internal')) return [];
    const change = documentAt(entry, 'o') ?? emptyDocument;
    const transaction = transactionOf(entry, change);
    if (operation === 'c' && transaction !== undefined) return this.#ofTransaction(transaction, change);
    if (ignoredDatabases.includes(database)) return [];
    if (operation === 'c') return this.#ofCommand(entry, database, change);
    const name = namespace.slice(database.length + 1);
    const target = this.#rename(database, name);
    return target
      ? [{ kind: 'apply', entry: renamed(entry, `${target.database}.${target.name}`), raw: entry }]
      : [];
  }

  #ofTransaction(id: string, change: Uint8Array): Step[] {
    const operations = [...(this.#transactions.get(id) ?? []), ...documentsAt(change, 'applyOps')];
    const isOpen =
      elementAt(change, 'partialTxn') !== undefined || elementAt(change, 'prepare') !== undefined;
    if (isOpen) {
      this.#transactions.set(id, operations);
      return [];
    }
    this.#transactions.delete(id);
    return elementAt(change, 'abortTransaction') ? [] : operations.flatMap((each) => this.of(each));
  }

  #ofCommand(entry: Uint8Array, database: string, change: Uint8Array): Step[] {
    const [first] = elementsOf(change);
    const command = first?.name ?? '';
    if (ignoredCommands.includes(command)) return [];
    if (command === 'applyOps') return documentsAt(change, 'applyOps').flatMap((each) => this.of(each));
    if (command === 'dropDatabase') throw notRepeatable(command);
    const target = this.#rename(database, stringAt(change, command) ?? '');
    if (!target) return [];
    const into = target.database;
    if (command === 'createIndexes') {
      const { createIndexes: _, ...index } = Object.fromEntries(withoutNamespace(change));
      return [{ kind: 'command', database: into, command: { createIndexes: target.name, indexes: [index] } }];
    }
    if (command === 'commitIndexBuild') {
      const indexes = documentsAt(change, 'indexes').map(withoutNamespace);
      return [{ kind: 'command', database: into, command: { createIndexes: target.name, indexes } }];
    }
    if (/^(delete|drop)Index(es)?$/.test(command))
      return [
        {
          kind: 'command',
          database: into,
          command: { dropIndexes: target.name, index: stringAt(change, 'index') },
        },
      ];
    if (!appliedCommands.includes(command)) throw notRepeatable(command);
    const changed = new Map(decode(change)).set(command, target.name);
    const idIndex = documentAt(change, 'idIndex');
    if (idIndex) changed.set('idIndex', withoutNamespace(idIndex));
    changed.delete('recordIdsReplicated'); // not every server takes it (mongorestore/oplog.go)
    return [{ kind: 'apply', entry: renamed(entry, `${into}.$cmd`).set('o', changed), raw: entry }];
  }
}

/** Which transaction an entry belongs to; undefined for none. Several writes of one command look alike, but say so. */
const transactionOf = (entry: Uint8Array, change: Uint8Array): string | undefined => {
  const session = documentAt(entry, 'lsid');
  const number = elementAt(entry, 'txnNumber');
  if (!session || !number || elementAt(entry, 'multiOpType')?.value[0] === 1) return undefined;
  const isOne = ['applyOps', 'commitTransaction', 'abortTransaction'].some((name) => elementAt(change, name));
  return isOne ? `${session.toString('hex')}/${number.value.toString('hex')}` : undefined;
};

/** Under its new name, without what only the old server knows: the collection's identity, and who wrote it. */
const renamed = (entry: Uint8Array, namespace: string): Map<string, unknown> => {
  const changed = decode(entry);
  for (const field of ['ui', 'lsid', 'txnNumber', 'stmtId', 'prevOpTime', 'rid']) changed.delete(field);
  return changed.set('ns', namespace);
};

const notRepeatable = (command: string): HoldfastError =>
  new HoldfastError(
    'TARGET_FAILED',
    `the oplog has ${command || 'something unknown'}, which a replay cannot repeat`,
    {
      hint: 'restore another snapshot; what was captured before is restored, as of no single moment',
    },
  );
