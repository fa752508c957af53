import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Principal } from '../../src/core/access/caller.ts';
import type { SubmitOptions } from '../../src/core/input/submit-options.ts';
import type { OutputPiece } from '../../src/core/output/output.ts';
import type { Job } from '../../src/core/job.ts';
import { NO_METRICS } from '../../src/core/metrics.ts';
import type { Delivery } from '../../src/core/webhook/delivery.ts';
import { createWebhookSecrets } from '../../src/core/webhook/secrets.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { prefixOf } from '../../src/queue/redis/names.ts';
import { isConnectionError } from '../../src/stores/connection-error.ts';
import { createDispatcher } from '../../src/webhooks/dispatcher.ts';
import { createGuard } from '../../src/webhooks/guard.ts';
import { webhookAllowSchema } from '../../src/webhooks/webhook-allow.ts';
import { principal } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { openPool } from '../support/postgres.ts';
import { type QueueSide, type SideOptions, openSide, scripted, setUpQueue } from '../support/queue.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { startReceiver } from '../support/webhook-receiver.ts';

const BACKENDS = ['redis', 'postgres'] as const;
type Remote = (typeof BACKENDS)[number];

const PREFIX = prefixOf('plain');

/** Each third piece is both a request and a reply in turn. A process takes longer to open on PostgreSQL. */
const STRIDES: Readonly<Record<Remote, number>> = { redis: 1, postgres: 3 };

/** Ends the time for which lost processes hold jobs and deliveries, of half a minute. */
const EXPIRE: Readonly<Record<Remote, (url: string) => Promise<void>>> = {
  async redis(url) {
    const redis = new Redis(url);
    const active = await redis.lrange(`${PREFIX}active`, 0, -1);
    for (const id of active) {
      await redis.del(`${PREFIX}${id}:lock`);
      await redis.sadd(`${PREFIX}stalled`, id);
    }
    await redis.del(`${PREFIX}stalled-check`);
    for (const group of await redis.zrange(`${PREFIX}webhooks`, '0', '-1')) {
      await redis.zadd(`${PREFIX}webhooks`, 0, group);
      for (const member of await redis.zrange(`${PREFIX}webhooks:${group}`, '0', '-1'))
        await redis.zadd(`${PREFIX}webhooks:${group}`, 0, member);
    }
    redis.disconnect();
  },
  async postgres(url) {
    const pool = openPool(url, { max: 1 });
    await pool.query("UPDATE bullmq.job SET locked_until_ms = 0, stalled_marked = true WHERE state = 'active'");
    await pool.query('UPDATE accepted_queue.deliveries SET due_at = 0 WHERE due_at IS NOT NULL');
    await pool.end();
  },
};

/** On a busy machine, a store may take longer for its greeting than a connection waits. */
async function openInTime(options: SideOptions): Promise<QueueSide> {
  try {
    return await openSide(options);
  } catch (error) {
    if (!isConnectionError(error)) throw error;
    return openSide(options);
  }
}

/**
 * Of a process that is killed, the store sees no more than that its connections end. So here one piece after
 * the other of the data between a process and the store is the last one.
 */
describe.each(BACKENDS)('a process that is killed at any step, on %s', (backend) => {
  const plain = scripted('plain', { concurrencyPerCaller: 1 });
  const test = setUpQueue(backend, [plain]);

  interface Steps {
    /** Comes before the steps that count. @returns ends what it started */
    prepare?(side: QueueSide): Promise<() => Promise<unknown>>;
    act(side: QueueSide, step: number): Promise<unknown>;
  }

  /**
   * Has one process after the other act, each killed later than the one before, until one is not killed.
   * @returns the number of processes
   */
  async function killAtEachStep({ prepare, act }: Steps): Promise<number> {
    const closing: Promise<unknown>[] = [];
    onTestFinished(async () => void (await Promise.all(closing)));
    for (let step = 0; ; step += 1) {
      const proxy = await startTcpProxy(test.url ?? '');
      const side = await openInTime({ url: proxy.url, embedded: test.embedded, types: [plain.type] });
      const end = await prepare?.(side);
      const killed = proxy.endAfter(step * STRIDES[backend]).then(() => true);
      const acted = act(side, step).then(() => false);
      // What a killed process comes to is of no interest.
      acted.catch(() => undefined);
      const isKilled = await Promise.race([killed, acted]);
      const close = async (): Promise<void> => {
        await end?.();
        await side.close();
        await proxy.close();
      };
      closing.push(close());
      if (!isKilled) return step + 1;
    }
  }

  const callerOf = (step: number): Principal => principal(`caller-${step}`);
  const eachOf = <T>(count: number, of: (step: number) => T): T[] =>
    Array.from({ length: count }, (_, step) => of(step));

  const submit = async (side: QueueSide, step: number, options: SubmitOptions = {}): Promise<Job> => {
    const given = { webhook: 'https://hooks.example', tags: ['killed'], ...options };
    const { job } = await side.service.submit({
      type: plain.type,
      input: { text: `${step}` },
      options: { given, path: [], base: 'https://accepted.example' },
      caller: callerOf(step),
      requestId: 'test',
      idempotencyKey: `key ${step}`,
    });
    return job;
  };
  const submitBatch = (side: QueueSide, step: number) =>
    side.service.submitBatch({
      type: plain.type,
      inputs: [{ text: `${step} a` }, {}, { text: `${step} b` }],
      path: ['items'],
      caller: callerOf(step),
      requestId: 'test',
      idempotencyKey: `batch ${step}`,
    });
  const jobsOf = async (caller: Principal): Promise<readonly Job[]> => {
    const page = { type: 'plain', statuses: undefined, after: undefined, limit: 100 } as const;
    return (await test.service.list(page, caller)).jobs;
  };
  const deliveriesOf = async (job: Job, caller: Principal): Promise<readonly Delivery[]> =>
    test.service.readDeliveries((await test.service.read(job.id, caller)) ?? job, caller);
  const outputOf = async ({ id }: Job, caller: Principal): Promise<readonly OutputPiece[]> =>
    (await test.service.readOutput(id, caller, 0)).pieces;

  it('while it submits, has added each job and batch once or not at all', async () => {
    const ran: string[] = [];
    plain.runs(async ({ text }) => {
      ran.push(text);
      return { text };
    });
    const count = await killAtEachStep({ act: (side, step) => submit(side, step) });
    const batchCount = await killAtEachStep({ act: submitBatch });
    // A client that has no reply sends it again.
    const jobs = await Promise.all(eachOf(count, (step) => submit(test, step)));
    const batches = await Promise.all(eachOf(batchCount, (step) => submitBatch(test, step)));
    test.work();
    for (const job of jobs) await test.finish(job);
    const ids = (step: number) => [
      ...(jobs[step] === undefined ? [] : [jobs[step].id]),
      ...(batches[step]?.items.flatMap((item) => ('job' in item ? [item.job.id] : [])) ?? []),
    ];
    for (let step = 0; step < Math.max(count, batchCount); step += 1) {
      const added = await poll(
        () => jobsOf(callerOf(step)),
        (all) => all.every(({ status }) => status === 'Succeeded'),
      );
      expect(added.map(({ id }) => id).toSorted()).toEqual(ids(step).toSorted());
    }
    expect(ran.toSorted()).toEqual(
      [
        ...eachOf(count, (step) => `${step}`),
        ...eachOf(batchCount, (step) => [`${step} a`, `${step} b`]).flat(),
      ].toSorted(),
    );
    for (const { batch } of batches)
      expect(
        (await test.service.readBatch(batch.id, callerOf(batches.findIndex((each) => each.batch === batch))))?.counts,
      ).toMatchObject({ pending: 0, succeeded: 2 });
  });

  it('while it runs a job, leaves nothing of it behind, and another one ends it', async () => {
    plain.runs(async ({ text }, job) => {
      await job.output('a');
      await job.progress(50);
      await job.output('b');
      return { text };
    });
    const jobs: Job[] = [];
    const count = await killAtEachStep({
      async prepare(side) {
        const workers = side.startWorkers();
        await test.finish(await test.add(plain, 'to begin with'));
        return () => workers.close(0);
      },
      async act(_, step) {
        jobs[step] = await submit(test, 1000 + step, { deduplication: { id: 'one' } });
        await test.finish(jobs[step]);
      },
    });
    await EXPIRE[backend](test.url ?? '');
    test.work();
    for (let step = 0; step < count; step += 1) {
      const job = jobs[step] ?? expect.fail('not submitted');
      const caller = callerOf(1000 + step);
      const ended = await test.finish(job);
      expect('error' in ended ? ended.error : undefined).toBeUndefined();
      const pieces = await outputOf(job, caller);
      expect(pieces.map(({ sequence }) => sequence)).toEqual(pieces.map((_, index) => index + 1));
      const lastRun = pieces.slice(pieces.findLastIndex(({ json }) => json === undefined) + 1);
      expect(lastRun.map(({ json }) => json)).toEqual(['"a"', '"b"']);
      expect(await deliveriesOf(job, caller)).toHaveLength(1);
    }
    // The callers have their places, and the deduplication ids are free.
    const next = await Promise.all(
      eachOf(count, (step) =>
        test.service.submit({
          type: plain.type,
          input: { text: 'next' },
          options: { given: { deduplication: { id: 'one' } }, path: [], base: '' },
          caller: callerOf(1000 + step),
          requestId: 'test',
        }),
      ),
    );
    expect(next.map(({ replayed }) => replayed)).toEqual(next.map(() => false));
    for (const { job } of next) expect(await test.finish(job)).toMatchObject({ status: 'Succeeded' });
  });

  it('while it cancels or retries a job, has done so or not', async () => {
    const jobs: Job[] = [];
    const count = await killAtEachStep({
      async act(side, step) {
        jobs[step] = await submit(test, 2000 + step);
        await side.service.cancel(jobs[step].id, callerOf(2000 + step));
      },
    });
    for (let step = 0; step < count; step += 1) {
      const job = jobs[step] ?? expect.fail('not submitted');
      const caller = callerOf(2000 + step);
      expect(await test.service.cancel(job.id, caller)).toMatchObject({ status: 'Canceled' });
      expect(await deliveriesOf(job, caller)).toHaveLength(1);
    }
    const canceled: Job[] = [];
    const retries = await killAtEachStep({
      async act(side, step) {
        canceled[step] = await submit(test, 3000 + step);
        await test.service.cancel(canceled[step].id, callerOf(3000 + step));
        await side.service.retry(canceled[step].id, callerOf(3000 + step));
      },
    });
    plain.runs(async ({ text }) => ({ text }));
    test.work();
    for (let step = 0; step < retries; step += 1) {
      const job = canceled[step] ?? expect.fail('not submitted');
      const caller = callerOf(3000 + step);
      if ((await test.service.read(job.id, caller))?.status === 'Canceled') await test.service.retry(job.id, caller);
      expect(await test.finish(job)).toMatchObject({ status: 'Succeeded' });
      expect(await deliveriesOf(job, caller)).toHaveLength(2);
    }
  });

  it('while it sends a webhook, lets another one send it', async () => {
    plain.runs(async ({ text }) => ({ text }));
    test.work();
    const receiver = await startReceiver();
    const jobs: Job[] = [];
    const dispatch = (side: QueueSide): void => {
      const dispatcher = createDispatcher({
        store: side.deliveries,
        secrets: createWebhookSecrets(side.queue, side.deliveries),
        guard: createGuard({ allow: webhookAllowSchema.parse('127.0.0.1') }),
        typeOf: () => plain.type,
        logger: createLogger('silent'),
        metrics: NO_METRICS,
        waitsMs: [20],
      });
      dispatcher.start();
      onTestFinished(() => dispatcher.close());
    };
    const isTold = async (step: number): Promise<boolean> => {
      const caller = callerOf(4000 + step);
      const job = jobs[step] ?? expect.fail('not submitted');
      const [delivery] = await deliveriesOf(job, caller);
      return delivery?.status === 'Delivered';
    };
    const count = await killAtEachStep({
      async act(side, step) {
        jobs[step] = await submit(test, 4000 + step, { webhook: receiver.url });
        await test.finish(jobs[step]);
        dispatch(side);
        await poll(
          () => isTold(step),
          (told) => told,
        );
      },
    });
    await EXPIRE[backend](test.url ?? '');
    dispatch(test);
    await poll(
      async () => Promise.all(eachOf(count, isTold)),
      (told) => told.every(Boolean),
    );
    // At least once, and always with the same id.
    const sent = await receiver.until(count);
    for (const job of jobs)
      expect(
        new Set(sent.filter(({ event }) => event.data.id === job.id).map(({ headers }) => headers['webhook-id'])).size,
      ).toBe(1);
  });
});
