import { StartError } from '../core/start-error.ts';
import { createInOwnProcess, isCreated, openDatabase } from './database.ts';
import { EmbeddedPool } from './embedded-pool.ts';
import { lockFolder } from './folder-lock.ts';
import { startUpkeep } from './upkeep.ts';

/** PostgreSQL as WebAssembly in this process, durable in a folder. */
export interface EmbeddedStore {
  /** Every call is refused until the store is open. */
  readonly pool: EmbeddedPool;
  /**
   * Opens the store. The first time it is created, which takes some seconds.
   * @throws StartError that names DATA_DIR, when another process uses the folder or its content cannot be opened
   */
  open(): Promise<void>;
  close(): Promise<void>;
}

export function createEmbeddedStore(folder: string): EmbeddedStore {
  const pool = new EmbeddedPool();
  /** Close what was opened, in this order. */
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0)) await closer();
  };
  return {
    pool,
    async open() {
      if (!isCreated(folder)) {
        // A folder that cannot be used is refused here; the process that creates the database takes the lock meanwhile.
        lockFolder(folder)();
        await createInOwnProcess(folder, (stop) => closers.push(stop));
      }
      closers.push(lockFolder(folder));
      try {
        const db = await openDatabase(folder);
        closers.unshift(() => db.close());
        // BullMQ's statements use its tables without a schema.
        await db.exec('SET search_path TO bullmq, public');
        pool.attach(db);
        closers.unshift(startUpkeep(pool));
      } catch (error) {
        await close();
        throw new StartError(`DATA_DIR: the store in ${folder} can't be opened: ${reasonOf(error)}`, { cause: error });
      }
    },
    close,
  };
}

/** PGlite does not always throw an Error. */
function reasonOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
