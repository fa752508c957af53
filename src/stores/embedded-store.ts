import { existsSync, rmSync, writeFileSync } from 'node:fs';
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
        const db = await createOrOpen(folder);
        closers.unshift(() => db.close());
        // BullMQ's statements name its tables without their schema.
        await db.exec('SET search_path TO bullmq, public');
        pool.attach(db);
      } catch (error) {
        await close();
        throw new StartError(`DATA_DIR: the store in ${folder} can't be opened: ${reasonOf(error)}`, { cause: error });
      }
    },
    close,
  };
}

/** Makes the store where there is none, and anew where a process ended in the middle of it: no job was in it yet. */
async function createOrOpen(folder: string): Promise<PGlite> {
  const data = join(folder, 'postgres');
  const making = join(folder, 'making');
  if (existsSync(making)) rmSync(data, { recursive: true, force: true });
  if (!existsSync(data)) writeFileSync(making, '');
  const db = await PGlite.create(data);
  rmSync(making, { force: true });
  return db;
}

/** What PGlite throws is not always an Error. */
function reasonOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
