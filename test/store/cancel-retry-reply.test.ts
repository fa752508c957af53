import { describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { createJobIds } from '../../src/core/access/job-ids.ts';
import { createJobKeys } from '../../src/core/access/job-token.ts';
import { type Job, isDone } from '../../src/core/job.ts';
import type { JobQueue } from '../../src/core/ports.ts';
import { createProviders } from '../../src/core/providers.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { createJobService } from '../../src/core/service/create-service.ts';
import type { JobService } from '../../src/core/service/service.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

/** The reply to a cancellation or a retry shows the job as that step left it, however fast the worker is. */
describe.each(BACKENDS)('the reply to cancel and retry on %s', (backend) => {
  const quick = scripted('quick');
  const test = setUpQueue(backend, [quick]);

  /** The service on the real queue, whose answers to some calls are late. */
  function serviceWith(late: Partial<JobQueue>): JobService {
    const queue = { ...test.queue, ...late };
    return createJobService({
      registry: createRegistry([{ file: 'quick.ts', type: quick.type }]),
      queue,
      events: test.events,
      jobIds: createJobIds(queue, 3600),
      jobKeys: createJobKeys(queue, 3600),
      use: createProviders({}).use,
      logger: createLogger('silent'),
      maxDepth: 100_000,
      stopping: new AbortController().signal,
      isConnectionError: () => false,
    });
  }

  it('a retried job is Pending, also when it has already run and succeeded', async () => {
    const job = await test.add(quick);
    await test.queue.cancel(job);
    test.work();
    const service = serviceWith({
      async retry(again, attempts) {
        const retried = await test.queue.retry(again, attempts);
        expect(await test.finish(again)).toMatchObject({ status: 'Succeeded' });
        return retried;
      },
    });
    const reply = await service.retry(job.id, ANONYMOUS);
    expect(reply).toMatchObject({ status: 'Pending', attempt: 0, maxAttempts: 3, percentComplete: 0, message: null });
    expect(isDone(reply)).toBe(false);
  });

  it('keeps the history of the attempts that failed', async () => {
    quick.runs(async () => {
      throw new Error('as scripted');
    });
    const job = await test.add(quick);
    const workers = test.work();
    const { history } = await test.finish(job);
    await workers.close(5000);
    const reply = await test.service.retry(job.id, ANONYMOUS);
    expect(reply).toMatchObject({ status: 'Pending', attempt: 3, maxAttempts: 6, history });
    expect(await test.read(job)).toEqual(reply);
    await test.queue.cancel(job);
  });

  it('a job that began between the read and the cancellation is Running, also when it has already ended', async () => {
    const started = signal();
    quick.runs(async ({ text }, { signal: stop }) => {
      started.reach();
      await new Promise((resolve) => stop.addEventListener('abort', resolve));
      return { text };
    });
    const job = await test.add(quick);
    const service = serviceWith({
      async cancel(pending) {
        expect(pending.status).toBe('Pending');
        test.work();
        await started.reached;
        const canceled = await test.queue.cancel(pending);
        expect(await test.finish(pending)).toMatchObject({ status: 'Canceled' });
        return canceled;
      },
    });
    expect(await service.cancel(job.id, ANONYMOUS)).toMatchObject({ status: 'Running', attempt: 1 });
  });

  it('a pending job is Canceled, also when another caller has already retried it', async () => {
    const job = await test.add(quick);
    const service = serviceWith({
      async cancel(pending) {
        const canceled = await test.queue.cancel(pending);
        await test.queue.retry(pending, 3);
        return canceled;
      },
    });
    const reply: Job = await service.cancel(job.id, ANONYMOUS);
    expect(reply).toMatchObject({ status: 'Canceled', error: { code: 'JOB_CANCELED' } });
    await poll(
      () => test.read(job),
      (now) => now?.status === 'Pending',
    );
  });
});
