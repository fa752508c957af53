import type { PGlite } from '@electric-sql/pglite';
import { StartError } from '../core/start-error.ts';
import { EmbeddedPool } from './embedded-pool.ts';
import { lockFolder } from './folder-lock.ts';
import { startUpkeep } from './upkeep.ts';

/** PostgreSQL as WebAssembly in this process, durable in a folder. */
export interface EmbeddedStore {
  /** Every call is refused until the store is open. */
  readonly pool: EmbeddedPool;
  /**
   * Opens the store, unless it is open. The first time it is created, which takes some seconds.
   * @throws StartError that names DATA_DIR, when another process uses the folder or its content cannot be opened
   */
  open(): Promise<void>;
  close(): Promise<void>;
}

export function createEmbeddedStore(folder: string): EmbeddedStore {
  const reopen = async (): Promise<PGlite> => (await loadDatabase()).openDatabase(folder);
  return createStore(reopen, async (closers) => {
    const { createDatabase, isCreated, openDatabase } = await loadDatabase();
    if (!isCreated(folder)) {
      // A folder that cannot be used is refused here; the process that creates the database takes the lock meanwhile.
      lockFolder(folder)();
      await createDatabase(folder, (stop) => closers.push(stop));
    }
    closers.push(lockFolder(folder));
    try {
      return await openDatabase(folder);
    } catch (error) {
      throw new StartError(`DATA_DIR: the store in ${folder} can't be opened: ${reasonOf(error)}`, { cause: error });
    }
  });
}

/** The same in memory, for tests. */
export function createMemoryStore(): EmbeddedStore {
  return createStore(openMemory, openMemory);
}

const openMemory = async (): Promise<PGlite> => (await loadDatabase()).openMemoryDatabase();

/** Loaded where a store is opened: with Redis or PostgreSQL, nothing needs it. */
const loadDatabase = () => import('./database.ts');

/**
 * @param reopen opens the database that was open
 * @param openDb opens it the first time, and adds the functions that close what it has opened besides
 */
function createStore(
  reopen: () => Promise<PGlite>,
  openDb: (closers: (() => Promise<void> | void)[]) => Promise<PGlite>,
): EmbeddedStore {
  const pool = new EmbeddedPool();
  /** Close what was opened, in this order. */
  const closers: (() => Promise<void> | void)[] = [];
  let opening: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    opening = undefined;
    for (const closer of closers.splice(0)) await closer();
  };
  const open = async (): Promise<void> => {
    try {
      pool.attach(await prepare(await openDb(closers)), async () => prepare(await reopen()));
      closers.unshift(() => pool.detach());
      closers.unshift(startUpkeep(pool));
    } catch (error) {
      await close();
      throw error;
    }
  };
  return { pool, open: () => (opening ??= open()), close };
}

/** Sets what belongs to the session. */
async function prepare(db: PGlite): Promise<PGlite> {
  // BullMQ's statements use its tables without a schema.
  await db.exec('SET search_path TO bullmq, public; SET synchronous_commit TO off');
  return db;
}

/** PGlite does not always throw an Error. */
function reasonOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
