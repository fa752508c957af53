import { onTestFinished } from 'vitest';
import { installServers } from '../support/install-servers.ts';
import type { RunningServer } from '../support/server-process.ts';
import { startPostgres, startRedis } from '../support/servers.ts';
import { createDatabase } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

export const programs = installServers();

/** A queue's server that faults apply to. */
export interface FaultyStore {
  readonly server: RunningServer;
  readonly queueUrl: string;
}

/** Keeps confirmed writes when it is killed. */
export const DURABLE_REDIS = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'];

export async function startRedisStore(options: readonly string[] = DURABLE_REDIS): Promise<FaultyStore> {
  const server = await startRedis(programs, options);
  onTestFinished(() => server.stop());
  return { server, queueUrl: server.url };
}

export async function startPostgresStore(environment: Readonly<Record<string, string>> = {}): Promise<FaultyStore> {
  const server = await startPostgres(programs, { settings: ['fsync=on'], environment });
  onTestFinished(() => server.stop());
  return { server, queueUrl: await createDatabase(server.url) };
}

export const STORES = { redis: () => startRedisStore(), postgres: () => startPostgresStore() };

export interface SmallPostgresStore extends FaultyStore {
  /** Fills the disk that has the queue's tables, until the returned function is called. */
  fillDisk(): Promise<() => Promise<void>>;
}

export async function startSmallPostgresStore(): Promise<SmallPostgresStore> {
  const server = await startPostgres(programs, { settings: ['fsync=on'], smallDiskMegabytes: 64 });
  onTestFinished(() => server.stop());
  const admin = openPool(`${server.url}/postgres`, { max: 1 });
  onTestFinished(() => admin.end());
  await admin.query(`CREATE TABLESPACE small LOCATION '${server.smallDisk}'`);
  await admin.query('CREATE DATABASE jobs TABLESPACE small');
  // The disk is mounted in the server's own namespace.
  const shell = (command: string) => admin.query(`COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; ${command}; true'`);
  const file = `${server.smallDisk}/fill`;
  return {
    server,
    queueUrl: `${server.url}/jobs`,
    async fillDisk() {
      await shell(`dd if=/dev/zero of=${file} bs=8k`);
      return async () => void (await shell(`rm ${file}`));
    },
  };
}
