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
  return createStore(async (closers) => {
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
  return createStore(async () => (await loadDatabase()).openMemoryDatabase());
}

/** Loaded where a store is opened: with Redis or PostgreSQL, nothing needs it. */
const loadDatabase = () => import('./database.ts');

/** @param openDb opens the database, and adds what is to be called when it is closed */
function createStore(openDb: (closers: (() => Promise<void> | void)[]) => Promise<PGlite>): EmbeddedStore {
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
      const db = await openDb(closers);
      closers.unshift(() => db.close());
      // BullMQ's statements use its tables without a schema.
      await db.exec('SET search_path TO bullmq, public; SET synchronous_commit TO off');
      pool.attach(db);
      closers.unshift(startUpkeep(pool));
    } catch (error) {
      await close();
      throw error;
    }
  };
  return { pool, open: () => (opening ??= open()), close };
}

/** PGlite does not always throw an Error. */
function reasonOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
