import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { TEMPLATE_DATABASE } from './store-templates.ts';
import { openPool } from './postgres.ts';

export const BACKENDS = ['embedded', 'redis', 'postgres'] as const;
export type Backend = (typeof BACKENDS)[number];

/** The settings of an empty queue and database. */
export interface Store {
  readonly settings: { QUEUE_URL?: string; DATABASE_URL?: string; DATA_DIR: string };
  remove(): void;
}

/** With Redis as the queue, the database is on PostgreSQL. */
export async function createStore(backend: Backend): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-test-'));
  const DATA_DIR = join(folder, 'data');
  if (backend === 'embedded') {
    // Copied without its mode.
    mkdirSync(DATA_DIR, { mode: 0o700 });
    cpSync(inject('embeddedTemplate'), DATA_DIR, { recursive: true });
  }
  const urls = {
    embedded: async () => ({}),
    postgres: async () => ({ QUEUE_URL: await copyTemplate() }),
    redis: async () => ({
      QUEUE_URL: `${inject('redisUrl')}/${await nextRedisDatabase()}`,
      DATABASE_URL: await copyTemplate(),
    }),
  };
  return {
    settings: { ...(await urls[backend]()), DATA_DIR },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** How many databases the shared Redis has; the first holds the number of the last one taken. */
const REDIS_DATABASES = 10_000;

/** The number of a database that no other test of this run has. */
async function nextRedisDatabase(): Promise<number> {
  const redis = new Redis(inject('redisUrl'));
  try {
    return 1 + ((await redis.incr('databases')) % (REDIS_DATABASES - 1));
  } finally {
    redis.disconnect();
  }
}

/** An empty, migrated database on the shared server. */
async function copyTemplate(): Promise<string> {
  return createDatabase(inject('postgresUrl'), TEMPLATE_DATABASE);
}

/**
 * Creates a database, empty unless a template is given.
 * @param server the URL of a server; by default the shared one
 */
export async function createDatabase(server = inject('postgresUrl'), template = 'template1'): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const pool = openPool(`${server}/postgres`, { max: 1 });
  try {
    await pool.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  } finally {
    await pool.end();
  }
  return `${server}/${name}`;
}
