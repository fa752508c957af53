import type { PgPool } from 'bullmq';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createProvider, defineJob } from '../../src/core/define-job.ts';
import { newJobId } from '../../src/core/job-id.ts';
import type { Logger } from '../../src/core/ports.ts';
import { createBullmqQueue } from '../../src/queue/job-queue.ts';
import { startBullmqWorkers } from '../../src/queue/worker/worker.ts';
import { createPostgresQueueBackend } from '../../src/queue/postgres/backend.ts';
import { createPostgresPool } from '../../src/stores/postgres-pool.ts';
import { createSucceededJobs } from '../../src/queue/job-reader.ts';
import { poll } from '../support/follow.ts';
import { createStore } from '../support/stores.ts';
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
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (_, message) => void (message.includes('could not start a worker') && resolve()),
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
    use: createProvider().use,
    logger,
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
