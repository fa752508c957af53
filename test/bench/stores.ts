import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { installServers } from '../support/install-servers.ts';
import type { RunningServer } from '../support/server-process.ts';
import { startPostgres, startRedis } from '../support/servers.ts';
import type { Settings } from './program.ts';

export interface RedisStore {
  readonly url: string;
  readonly pid: number;
  /** Memory in use. */
  usedBytes(): Promise<number>;
  stop(): Promise<void>;
}

/** One Redis and one PostgreSQL for all contenders. */
export interface Stores {
  /** The database of `withEmpty`. */
  readonly redis: Redis;
  readonly redisPid: number;
  /** The version of each, and how it is set up. */
  readonly versions: Readonly<Record<string, string>>;
  /** Client connections to Redis, without the bench's own. */
  connections(): Promise<number>;
  /** A further Redis. */
  startRedis(): Promise<RedisStore>;
  /** Runs with an empty Redis, a new PostgreSQL database and an empty folder, as the settings that name them. */
  withEmpty<T>(use: (settings: Settings) => Promise<T>): Promise<T>;
  /** The same for several items at a time: each has a Redis database of its own. */
  withEmptyFor<Item, T>(
    items: readonly Item[],
    use: (entries: readonly (readonly [Item, Settings])[]) => Promise<T>,
  ): Promise<T>;
  stop(): Promise<void>;
}

export async function startStores(): Promise<Stores> {
  const programs = installServers();
  const [redisServer, postgresServer] = await Promise.all([startRedis(programs), startPostgres(programs)]);
  const root = mkdtempSync(join(tmpdir(), 'accepted-bench-'));
  const redis = new Redis(redisServer.url);
  const more = new Set<RedisStore>();
  const admin = new Pool({ connectionString: `${postgresServer.url}/postgres`, max: 1 });
  // PostgreSQL may end the connection first when both stop.
  admin.on('error', () => undefined);
  const info = await redis.info('server');
  const { rows } = await admin.query<{ server_version: string }>('SHOW server_version');

  async function withEmptyFor<Item, T>(
    items: readonly Item[],
    use: (entries: readonly (readonly [Item, Settings])[]) => Promise<T>,
  ): Promise<T> {
    const names = items.map(() => `bench_${randomUUID().replaceAll('-', '')}`);
    await redis.flushall();
    for (const name of names) await admin.query(`CREATE DATABASE ${name}`);
    try {
      return await use(
        items.map((item, index) => [
          item,
          {
            QUEUE_URL: `${redisServer.url}/${index}`,
            DATABASE_URL: `${postgresServer.url}/${names[index]}`,
            DATA_DIR: join(root, names[index] ?? ''),
          },
        ]),
      );
    } finally {
      for (const name of names) await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      for (const name of names) rmSync(join(root, name), { recursive: true, force: true });
    }
  }

  let stopped: Promise<void> | undefined;
  async function stopAll(): Promise<void> {
    redis.disconnect();
    await admin.end();
    await Promise.all([redisServer, postgresServer, ...more].map((server) => server.stop()));
    rmSync(root, { recursive: true, force: true });
  }

  return {
    redis,
    redisPid: Number(/process_id:(\d+)/.exec(info)?.[1]),
    versions: {
      redis: `${/redis_version:(\S+)/.exec(info)?.[1]} (no persistence)`,
      postgres: `${rows[0]?.server_version} (fsync=off)`,
    },
    async connections() {
      const clients = String(await redis.client('LIST'))
        .trim()
        .split('\n');
      return clients.length - 1;
    },
    async startRedis() {
      const store = await openStore(await startRedis(programs), () => more.delete(store));
      more.add(store);
      return store;
    },
    withEmpty: (use) => withEmptyFor([undefined], ([[, settings] = [undefined, {}]]) => use(settings)),
    withEmptyFor,
    // A signal and the end of the bench may both call it.
    stop: () => (stopped ??= stopAll()),
  };
}

async function openStore(server: RunningServer, onStop: () => void): Promise<RedisStore> {
  const client = new Redis(server.url);
  const read = async (section: string, field: string): Promise<number> =>
    Number(new RegExp(`${field}:(\\d+)`).exec(await client.info(section))?.[1]);
  return {
    url: server.url,
    pid: await read('server', 'process_id'),
    usedBytes: () => read('memory', 'used_memory'),
    async stop() {
      onStop();
      client.disconnect();
      await server.stop();
    },
  };
}
