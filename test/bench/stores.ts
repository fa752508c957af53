import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { installServers } from '../support/install-servers.ts';
import type { RunningServer } from '../support/server-process.ts';
import { startPostgres, startRedis } from '../support/servers.ts';

export interface RedisStore {
  readonly url: string;
  readonly pid: number;
  /** Bytes of memory that it uses. */
  usedBytes(): Promise<number>;
  stop(): Promise<void>;
}

/** A Redis and a PostgreSQL that all contenders use, one after the other. */
export interface Stores {
  readonly redis: Redis;
  readonly redisPid: number;
  /** Version of each, and how it is set. */
  readonly versions: Readonly<Record<string, string>>;
  /** Connections to Redis, but for the bench's own. */
  connections(): Promise<number>;
  /** Another Redis, for what must be there at the same time. */
  startRedis(): Promise<RedisStore>;
  /** Runs with an emptied Redis, a new database and an empty folder, as the settings that name them. */
  withEmpty<T>(use: (settings: Record<string, string>) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export async function startStores(): Promise<Stores> {
  const programs = installServers();
  const [redisServer, postgresServer] = await Promise.all([startRedis(programs), startPostgres(programs)]);
  const root = mkdtempSync(join(tmpdir(), 'accepted-bench-'));
  const redis = new Redis(redisServer.url);
  const more = new Set<RedisStore>();
  const admin = new Pool({ connectionString: `${postgresServer.url}/postgres`, max: 1 });
  // When both stop, PostgreSQL may be the first to end a connection.
  admin.on('error', () => undefined);
  const info = await redis.info('server');
  const redisVersion = /redis_version:(\S+)/.exec(info)?.[1] ?? '';
  const { rows } = await admin.query<{ server_version: string }>('SHOW server_version');
  return {
    redis,
    redisPid: Number(/process_id:(\d+)/.exec(info)?.[1]),
    versions: {
      redis: `${redisVersion} (nothing written to disk)`,
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
    async withEmpty(use) {
      const database = `bench_${randomUUID().replaceAll('-', '')}`;
      await redis.flushall();
      await admin.query(`CREATE DATABASE ${database}`);
      try {
        return await use({
          QUEUE_URL: redisServer.url,
          DATABASE_URL: `${postgresServer.url}/${database}`,
          DATA_DIR: join(root, database),
        });
      } finally {
        await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
        rmSync(join(root, database), { recursive: true, force: true });
      }
    },
    async stop() {
      redis.disconnect();
      await admin.end();
      await Promise.all([redisServer, postgresServer, ...more].map((server) => server.stop()));
      rmSync(root, { recursive: true, force: true });
    },
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
