import { createLogger } from '../../src/observability/logger.ts';
import { connectQueue } from '../../src/queue/wire-queue.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { toDatabasePool } from '../../src/stores/postgres-pool.ts';
import { openLibrary } from './library.ts';
import { openPool } from './postgres.ts';

/** The database on the shared server from which every test's database is copied. */
export const TEMPLATE_DATABASE = 'accepted_template';

const logger = createLogger('error');

/** Creates a migrated, empty store in a folder. */
export async function createEmbeddedTemplate(folder: string): Promise<void> {
  const { open, pool, close } = createEmbeddedStore(folder);
  await open();
  await connectQueue({ url: undefined, embedded: pool, logger }).connect();
  await openLibrary(pool);
  await close();
}

/** Creates the migrated, empty database `TEMPLATE_DATABASE`. PostgreSQL can copy it only while it has no connections. */
export async function createPostgresTemplate(server: string): Promise<void> {
  const admin = openPool(`${server}/postgres`, { max: 1 });
  await admin.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
  await admin.end();
  const url = `${server}/${TEMPLATE_DATABASE}`;
  const queue = connectQueue({ url, embedded: createEmbeddedStore('').pool, logger });
  await queue.connect();
  await queue.close();
  const pool = openPool(url, { max: 1 });
  await openLibrary(toDatabasePool(pool));
  await pool.end();
}
