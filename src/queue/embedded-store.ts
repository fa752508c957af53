import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { StartError } from '../core/start-error.ts';
import { EmbeddedPool } from './embedded-pool.ts';
import { lockFolder } from './folder-lock.ts';

/** PostgreSQL as WebAssembly in this process, durable in a folder. */
export interface EmbeddedStore {
  /** Refuses every call until the store is open. */
  readonly pool: EmbeddedPool;
  /**
   * Opens the store, and makes it the first time, which takes some seconds.
   * @throws StartError that names DATA_DIR, when another process has the folder or what is in it can't be opened
   */
  open(): Promise<void>;
  close(): Promise<void>;
}

export function createEmbeddedStore(folder: string): EmbeddedStore {
  const pool = new EmbeddedPool();
  /** What was opened, in the order in which it is closed. */
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0)) await closer();
  };
  return {
    pool,
    async open() {
      closers.push(lockFolder(folder));
      try {
        const db = await PGlite.create(join(folder, 'postgres'));
        closers.unshift(() => db.close());
        // BullMQ's statements name its tables without their schema.
        await db.exec('SET search_path TO bullmq, public');
        pool.attach(db);
      } catch (error) {
        await close();
        throw new StartError(`DATA_DIR: the store in ${folder} can't be opened: ${String(error)}`, { cause: error });
      }
    },
    close,
  };
}
