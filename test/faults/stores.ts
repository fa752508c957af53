import { onTestFinished } from 'vitest';
import { installServers } from '../support/install-servers.ts';
import type { RunningServer } from '../support/server-process.ts';
import { type PostgresOptions, startPostgres, startRedis } from '../support/servers.ts';
import { createDatabase } from '../support/stores.ts';

export const programs = installServers();

/** A queue's server that a fault may meet. */
export interface FaultyStore {
  readonly server: RunningServer;
  readonly queueUrl: string;
}

/** Keeps what it confirmed, also when it is killed. */
const DURABLE_REDIS = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'];

export async function startRedisStore(
  options: readonly string[] = DURABLE_REDIS,
  environment: Readonly<Record<string, string>> = {},
): Promise<FaultyStore> {
  const server = await startRedis(programs, options, environment);
  onTestFinished(() => server.stop());
  return { server, queueUrl: server.url };
}

export async function startPostgresStore(options: PostgresOptions = {}): Promise<FaultyStore> {
  const server = await startPostgres(programs, { ...options, settings: ['fsync=on', ...(options.settings ?? [])] });
  onTestFinished(() => server.stop());
  return { server, queueUrl: await createDatabase(server.url) };
}

export const STORES = { redis: () => startRedisStore(), postgres: () => startPostgresStore() };
