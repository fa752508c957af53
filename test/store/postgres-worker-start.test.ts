import type { PgPool } from 'bullmq';
import { Client } from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../src/core/define-job.ts';
import { NO_METRICS } from '../../src/core/metrics.ts';
import { createProviders } from '../../src/core/providers.ts';
import { newJobId } from '../../src/core/job-id.ts';
import type { Logger } from '../../src/core/ports.ts';
import { createBullmqQueue } from '../../src/queue/job-queue.ts';
import { startBullmqWorkers } from '../../src/queue/worker/worker.ts';
import { createPostgresQueueBackend } from '../../src/queue/postgres/backend.ts';
import { createPostgresPool } from '../../src/stores/postgres-pool.ts';
import { createSucceededJobs } from '../../src/queue/job-reader.ts';
import { poll } from '../support/follow.ts';
import { createDatabase, createStore } from '../support/stores.ts';
import { installServers } from '../support/install-servers.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { startPgBouncer } from '../support/servers.ts';
import { StartError } from '../../src/core/start-error.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { connectPostgresQueue } from '../../src/queue/postgres/connect.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const echo = defineJob({
  name: 'echo',
  collection: 'echoes',
  description: 'Gives back its input.',
  input: z.object({ text: z.string() }),
  result: z.object({ text: z.string() }),
  run: async (input) => input,
});

it('a worker whose first connection to PostgreSQL fails is started again, and does its work', async () => {
  const { settings, remove } = await createStore('postgres');
  onTestFinished(remove);
  const url = settings.QUEUE_URL ?? '';
  const proxy = await startTcpProxy(url);
  onTestFinished(() => proxy.close());
  const unblock = proxy.block();
  const { promise: refused, resolve } = Promise.withResolvers<void>();
  const logger: Logger = {
    child: () => logger,
    isLevelEnabled: () => false,
    debug: (_, message) => void (message.includes('could not reach the store to start a worker') && resolve()),
    info: () => undefined,
    error: () => undefined,
    warn: () => undefined,
  };
  const options = '-c search_path=bullmq';
  const queuePool = createPostgresPool(url, 'QUEUE_URL', { options, max: 5 });
  const workerPool = createPostgresPool(proxy.url, 'QUEUE_URL', { options, max: 5 });
  const backend = createPostgresQueueBackend({
    description: 'PostgreSQL',
    // A pg.Pool has the methods of BullMQ's PgPool; the two type packages only write the overloads of `on` differently.
    queuePool: queuePool as PgPool,
    workerPool: workerPool as PgPool,
    logger,
    exclusive: false,
    buildIndex: async () => undefined,
    close: async () => void (await Promise.all([queuePool.end(), workerPool.end()])),
  });
  await backend.connect();
  const succeeded = createSucceededJobs();
  const queue = createBullmqQueue({ backend, types: ['echo'], retentionSeconds: 60, succeeded, logger });
  await queue.open();
  const workers = startBullmqWorkers({
    backend,
    url: undefined,
    types: [echo],
    concurrency: 1,
    use: createProviders({}).use,
    logger,
    metrics: NO_METRICS,
  });
  onTestFinished(async () => {
    await workers.close(5000);
    await queue.close();
    await backend.close();
  });
  await refused;
  unblock();

  const job = { id: newJobId('echo'), type: 'echo', caller: 'anonymous', createdAt: new Date(), maxAttempts: 1 };
  await queue.add({ ...job, input: { text: 'hello' }, requestId: 'test' });
  const done = await poll(
    () => queue.read(job.id, 'echo'),
    (now) => now?.status === 'Succeeded',
  );
  expect(done).toMatchObject({ status: 'Succeeded', result: { text: 'hello' } });
});

describe('many job types on PostgreSQL', () => {
  const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'] as const;
  const types = names.map((name) => scripted(name));
  const test = setUpQueue('postgres', types);

  it('share the connections of the process, and all hear of their jobs', async () => {
    test.work();
    const jobs = await Promise.all(types.map((type) => test.add(type)));
    for (const job of jobs) expect((await test.finish(job)).status).toBe('Succeeded');
    for (const type of types) await test.finish(await test.add(type));
    const observer = new Client({ connectionString: test.url });
    await observer.connect();
    onTestFinished(() => observer.end());
    const { rows } = await observer.query<{ count: number; listening: number }>(`
      SELECT count(*)::integer AS count, (count(*) FILTER (WHERE query LIKE '%LISTEN %'))::integer AS listening
        FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`);
    expect(rows[0]?.count).toBeLessThanOrEqual(9);
    expect(rows[0]?.listening).toBe(1);
  });

  it('hear of their jobs again after the connection that listens was cut', async () => {
    test.work();
    const [type] = types;
    if (type === undefined) expect.fail('no type');
    await test.finish(await test.add(type));
    const observer = new Client({ connectionString: test.url });
    await observer.connect();
    onTestFinished(() => observer.end());
    const cut = await observer.query(`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%LISTEN %'
         AND pid <> pg_backend_pid()`);
    expect(cut.rowCount).toBe(1);
    for (const each of types) await test.finish(await test.add(each));
  });
});

it.each(['', 'ignore_startup_parameters = options'])(
  'a pooler in transaction mode (%s) stops the start with one line',
  async (line) => {
    const database = await createDatabase();
    const pooler = await startPgBouncer(installServers(), inject('postgresUrl'), [line]);
    onTestFinished(() => pooler.stop());
    const backend = connectPostgresQueue(`${pooler.url}${new URL(database).pathname}`, createLogger('silent'));
    onTestFinished(() => backend.close());
    const refused = backend.connect();
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow(/^QUEUE_URL: a pooler such as PgBouncer in transaction mode .*$/);
  },
);
