// A repository and its store: reached, with the rights that jobs need, and opened by the right password.
import { randomUUID } from 'node:crypto';
import type { RepositoryConfig } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { describingOf } from '#lib/self-description.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { SeenLock } from '#repository/lock.ts';
import { locksIn, openRepository } from '#repository/repository.ts';
import { keepsRepositoriesOnly, openStore, type StoreConfig } from '#stores/registry.ts';
import { packKeyOf, scratchFolder } from '#stores/scratch.ts';
import { foldersOf, localFolderOf, type Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { clockDiagnosis } from './clock.ts';
import { broken, type Diagnosis, fine, warning } from './diagnosis.ts';
import { spaceDiagnosis } from './space.ts';

/** A store that does not answer for so long is given up. */
const patienceMs = 5000;

export interface RepositoryHealth {
  readonly diagnoses: readonly Diagnosis[];
  /** Absent when it could not be opened. */
  readonly snapshots?: readonly Snapshot[];
}

/** `forgets`: a job removes snapshots there, and so more than its own locks. */
export const diagnoseRepository = async (
  repository: RepositoryConfig,
  forgets: boolean,
  context: JobContext,
): Promise<RepositoryHealth> => {
  const subject = `repository ${repository.name}`;
  const password = readPassword(repository);
  const diagnoses: Diagnosis[] =
    password instanceof Error ? [broken(subject, password, 'write the password where the file says')] : [];
  try {
    await using store = await openedStore(repository, context);
    const trial = trialFor(repository.store, forgets);
    diagnoses.push(...(await diagnoseStore(subject, store, trial, context)));
    if (password instanceof Error) return { diagnoses };
    const opened = await diagnoseInside(subject, store, password, context);
    return { ...opened, diagnoses: [...diagnoses, ...opened.diagnoses] };
  } catch (error) {
    throwIfCancelled(context.signal);
    return { diagnoses: [...diagnoses, explained(subject, repository, error)] };
  }
};

/** Of the examination of a store. */
export interface Part {
  /** Only what is below this folder ('north/'). */
  readonly below?: string;
  /** What else is seen in the store, once it is known to work. */
  readonly look?: (store: Store) => Promise<readonly Diagnosis[]>;
}

/** A store for plain files, which a job names itself; or a part of it. */
export const diagnosePlainStore = async (
  subject: string,
  store: StoreConfig,
  context: JobContext,
  { below = '', look }: Part = {},
): Promise<readonly Diagnosis[]> => {
  try {
    await using opened = await openedStore({ name: subject, store }, context);
    const { key, ...trial } = trialFor(store, false);
    const tried = await diagnoseStore(subject, opened, { ...trial, key: below + key }, context);
    return [...tried, ...((await look?.(opened)) ?? [])];
  } catch (error) {
    throwIfCancelled(context.signal);
    return [broken(subject, error, 'check the place and the rights of the user that runs holdfast')];
  }
};

/** A store for plain files that a job only reads. */
export const diagnoseReadStore = async (
  subject: string,
  store: StoreConfig,
  context: JobContext,
): Promise<Diagnosis> => {
  try {
    await using opened = await openedStore({ name: subject, store }, context);
    for await (const _ of opened.list('')) return fine(subject, `${opened.location} can be read`);
    return warning(
      subject,
      `${opened.location} has no files`,
      'see whether it is the right place, and mounted',
    );
  } catch (error) {
    throwIfCancelled(context.signal);
    return broken(subject, error, 'check the place and the rights of the user that runs holdfast');
  }
};

const readPassword = ({ password }: RepositoryConfig): string | Error => {
  try {
    return password.reveal();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
};

const openedStore = (
  {
    name,
    store,
    limitUpload,
    limitDownload,
  }: Pick<RepositoryConfig, 'name' | 'store' | 'limitUpload' | 'limitDownload'>,
  { signal, clock }: JobContext,
): Promise<Store> =>
  openStore(store, { name, signal, clock, log: silentLog }, { limitUpload, limitDownload, patienceMs });

/** The advice that belongs to what is most often wrong. */
const explained = (subject: string, { name }: RepositoryConfig, error: unknown): Diagnosis => {
  if (hasCode(error, 'REPOSITORY_MISSING'))
    return { ...broken(subject, error), hint: `make it: holdfast init -r ${name}; or correct its place` };
  if (hasCode(error, 'WRONG_PASSWORD'))
    return {
      ...broken(subject, error),
      hint: 'correct what `password` names; `holdfast key list` shows who else can open it',
    };
  return broken(subject, error, 'check the place and the rights of the user that runs holdfast');
};

/** What a store is tried with. */
interface Trial {
  readonly key: string;
  readonly bytes: Buffer;
  readonly forgets: boolean;
}

const trialFor = (store: StoreConfig, forgets: boolean): Trial => {
  const id = randomUUID();
  const bytes = Buffer.from(`Left behind by \`holdfast doctor\`: it may be removed. ${id}\n`);
  return { key: keepsRepositoriesOnly(store) ? packKeyOf(bytes) : scratchFolder + id, bytes, forgets };
};

/** Puts, reads, lists and removes a small object, as jobs do. */
const diagnoseStore = async (
  subject: string,
  store: Store,
  { key, bytes, forgets }: Trial,
  { clock }: JobContext,
): Promise<Diagnosis[]> => {
  const diagnoses: Diagnosis[] = [];
  const folder = localFolderOf(store);
  if (folder !== undefined) diagnoses.push(spaceDiagnosis(subject, folder));
  const before = clock.now();
  const time = await describingOf(store)?.describeSelf();
  if (time?.time) diagnoses.push(clockDiagnosis(subject, { before, time: time.time, after: clock.now() }));
  await store.put(key, bytes);
  const read = await store.get(key);
  if (!bytes.equals(read))
    throw new HoldfastError('STORE_DENIED', `${store.location} gives back something else than was stored`, {
      hint: '`holdfast store verify` shows what the storage does not keep to',
    });
  const listed = await Array.fromAsync(store.list(key));
  if (listed.length !== 1)
    diagnoses.push({
      ...warning(subject, 'what is stored there is not listed', '`holdfast store verify` tells more'),
      level: 'error',
    });
  diagnoses.push(...(await tryRemoval(subject, store, key, forgets)));
  return [...diagnoses, fine(subject, `${store.location} can be written and read`)];
};

const tryRemoval = async (
  subject: string,
  store: Store,
  key: string,
  forgets: boolean,
): Promise<Diagnosis[]> => {
  try {
    await store.delete(key);
    await foldersOf(store)?.removeEmptyFolders(key.slice(0, key.lastIndexOf('/') + 1));
    return [];
  } catch (error) {
    if (!hasCode(error, 'STORE_DENIED')) throw error;
    const hint = forgets
      ? 'grant the right to remove, or take `keep` out of its jobs and forget with other credentials'
      : 'backups go on, if what is below locks/ can be removed; forget and prune need other credentials';
    return [{ ...broken(subject, error), level: forgets ? 'error' : 'warning', hint }];
  }
};

/** Locks of others, one of our own, and the snapshots. */
const diagnoseInside = async (
  subject: string,
  store: Store,
  password: string,
  { signal, clock, log }: JobContext,
): Promise<RepositoryHealth> => {
  const locks = await locksIn(store, password);
  const diagnoses = locks.flatMap((lock) => lockDiagnosis(subject, lock, clock.now()));
  if (locks.some(({ exclusive, stale }) => exclusive && !stale)) return { diagnoses };
  await using repository = await openRepository(store, password, { lock: 'shared', signal, log });
  const snapshots = await repository.snapshots();
  const count = `${snapshots.length} ${snapshots.length === 1 ? 'snapshot' : 'snapshots'}`;
  return { snapshots, diagnoses: [...diagnoses, fine(subject, `opens and can be locked; ${count}`)] };
};

/** Longer than any ordinary work, so worth a look. */
const longMs = 24 * 3_600_000;

const lockDiagnosis = (subject: string, lock: SeenLock, now: Date): Diagnosis[] => {
  const { holder, since, exclusive, stale } = lock;
  const text = `${exclusive ? 'an exclusive' : 'a'} lock of ${holder}, since ${since.toISOString()}`;
  if (stale) return [warning(subject, `${text}, whose holder is gone`, 'remove it: holdfast unlock')];
  if (exclusive)
    return [
      {
        ...warning(
          subject,
          `${text}: nobody else can work there`,
          'wait for it; or end that process, then `holdfast unlock`',
        ),
        level: 'error',
      },
    ];
  return now.getTime() - since.getTime() > longMs
    ? [warning(subject, `${text}, which is long`, 'see what that process does')]
    : [];
};
