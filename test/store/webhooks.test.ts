import { Worker, createPostgresBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { postgresOptions, prefix, queueName } from '../../src/bullmq.ts';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import type { Job } from '../../src/core/job.ts';
import { NO_METRICS } from '../../src/core/metrics.ts';
import type { Delivery } from '../../src/core/webhook/delivery.ts';
import { createWebhookSecrets } from '../../src/core/webhook/secrets.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type DispatcherOptions, createDispatcher } from '../../src/webhooks/dispatcher.ts';
import { toBullmqPool } from '../../src/queue/postgres/pool.ts';
import { createGuard } from '../../src/webhooks/guard.ts';
import { webhookAllowSchema } from '../../src/webhooks/webhook-allow.ts';
import { principal } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { type QueueSide, scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { startReceiver, verifyWebhook } from '../support/webhook-receiver.ts';

const ada = principal('ada');
const eve = principal('eve');
const allow = webhookAllowSchema.parse('127.0.0.1');

async function contentsOfRedis(url: string): Promise<string> {
  const redis = new Redis(url);
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, '0', '-1'),
    stream: (key) => redis.xrange(key, '-', '+'),
  };
  try {
    const keys = await redis.keys('*');
    return JSON.stringify(await Promise.all(keys.map(async (key) => [key, await read[await redis.type(key)]?.(key)])));
  } finally {
    redis.disconnect();
  }
}

describe.each(BACKENDS)('webhooks on %s', (backend) => {
  const plain = scripted('plain', { attempts: 1 });
  const test = setUpQueue(backend, [plain]);

  /** Sends what is due from one side. It ends with the test. */
  function dispatch(side: QueueSide = test, options: Partial<DispatcherOptions> = {}) {
    const dispatcher = createDispatcher({
      store: side.deliveries,
      secrets: createWebhookSecrets(side.queue, side.deliveries),
      guard: createGuard({ allow }),
      typeOf: () => plain.type,
      logger: createLogger('silent'),
      metrics: NO_METRICS,
      waitsMs: [20, 40],
      lookMs: 20,
      ...options,
    });
    dispatcher.start();
    onTestFinished(() => dispatcher.close());
    return dispatcher;
  }

  const submit = async (webhook: string, text = 'text', caller = ada, side: QueueSide = test): Promise<Job> => {
    const options = { given: { webhook }, path: [], base: 'https://accepted.example' };
    return (await side.service.submit({ type: plain.type, input: { text }, options, caller, requestId: 'r' })).job;
  };

  const deliveriesOf = async ({ id }: Job, caller = ada): Promise<readonly Delivery[]> => {
    const job = await test.service.read(id, caller);
    return job === undefined ? [] : test.service.readDeliveries(job, caller);
  };
  const settled = (job: Job) =>
    poll(
      () => deliveriesOf(job),
      (all) => all.length > 0 && all.every(({ status }) => status !== 'Pending'),
    );

  /** All that the store has, as text. */
  async function contents(): Promise<string> {
    if (backend === 'redis') return contentsOfRedis(test.url ?? '');
    const pool = backend === 'embedded' ? undefined : openPool(test.url, { max: 1 });
    const query = async (text: string): Promise<unknown> => (pool ? pool.query(text) : test.embedded.pool.query(text));
    const found = [];
    for (const table of [
      'bullmq.job',
      'bullmq.event',
      'bullmq.meta',
      'accepted_queue.deliveries',
      'accepted_queue.job_tags',
    ])
      found.push(await query(`SELECT row_to_json(t)::text AS row FROM ${table} AS t`));
    await pool?.end();
    return JSON.stringify(found);
  }

  it('tells each end once, signed by the caller’s own secret, and keeps what came of it', async () => {
    const receiver = await startReceiver();
    plain.runs(async ({ text }) => {
      if (text === 'fails') throw new Error('no');
      return { text };
    });
    dispatch();
    test.work();
    const [good, bad] = await Promise.all([submit(receiver.url), submit(receiver.url, 'fails')]);
    const all = await receiver.until(2);
    const { secret } = await test.service.webhookSecret(ada);
    for (const { headers, body } of all) expect(() => verifyWebhook(headers, body, secret)).not.toThrow();
    const { secret: other } = await test.service.webhookSecret(eve);
    expect(() => verifyWebhook(all[0]?.headers ?? {}, all[0]?.body ?? '', other)).toThrow('no signature matches');
    const ofGood = all.find(({ event }) => event.data.id === good.id);
    expect(ofGood?.event).toMatchObject({
      type: 'job.succeeded',
      data: { status: 'Succeeded', done: true, resultUrl: `https://accepted.example/api/jobs/${good.id}/result` },
    });
    expect(ofGood?.event.data).not.toHaveProperty('result');
    expect(all.find(({ event }) => event.data.id === bad.id)?.event).toMatchObject({
      type: 'job.failed',
      data: { error: { code: 'JOB_FAILED' } },
    });
    const [delivery] = await settled(good);
    expect(delivery).toEqual({
      id: ofGood?.id,
      event: 'job.succeeded',
      status: 'Delivered',
      url: receiver.url,
      createdAt: expect.any(Date),
      nextAttemptAt: null,
      attempts: [{ at: expect.any(Date), durationMs: expect.any(Number), statusCode: 204, error: null }],
    });
    expect(await deliveriesOf(good, eve)).toEqual([]);
    expect(receiver.received).toHaveLength(2);
  });

  it('tells of a job that is canceled while it waits, and of one that expires', async () => {
    const receiver = await startReceiver();
    const job = await submit(receiver.url);
    await test.service.cancel(job.id, ada);
    const late = await test.service.submit({
      type: plain.type,
      input: { text: 'late' },
      options: { given: { webhook: receiver.url, startWithinSeconds: 1 }, path: [], base: '' },
      caller: ada,
      requestId: 'r',
    });
    dispatch();
    expect((await receiver.until(1))[0]?.event).toMatchObject({ type: 'job.canceled', data: { id: job.id } });
    await poll(
      async () => test.backend.expire(['plain']),
      (ids) => ids.includes(late.job.id),
    );
    const [, expired] = await receiver.until(2);
    expect(expired?.event).toMatchObject({ type: 'job.canceled', data: { error: { code: 'JOB_EXPIRED' } } });
  });

  it('tells both ends of a job that is retried before the first was told', async () => {
    const receiver = await startReceiver();
    const ends = signal();
    plain.runs(async () => {
      throw new Error('no');
    });
    const worker = test.work();
    const job = await submit(receiver.url);
    await test.finish(job);
    plain.runs(async ({ text }) => {
      await ends.reached;
      return { text };
    });
    await test.service.retry(job.id, ada);
    dispatch();
    const [first] = await receiver.until(1);
    expect(first?.event).toMatchObject({ type: 'job.failed', data: { status: 'Failed', attempt: 1 } });
    ends.reach();
    const [, second] = await receiver.until(2);
    expect(second?.event).toMatchObject({ type: 'job.succeeded' });
    expect(second?.id).not.toBe(first?.id);
    expect((await settled(job)).map(({ event }) => event)).toEqual(['job.succeeded', 'job.failed']);
    await worker.close(1000);
  });

  it('tries again with the same id until the waits are over, and once more when it is asked to', async () => {
    const receiver = await startReceiver();
    receiver.replies((response) => response.writeHead(500).end('no'));
    dispatch();
    const job = await submit(receiver.url);
    await test.service.cancel(job.id, ada);
    const [failed] = await settled(job);
    expect(failed?.attempts.map(({ statusCode }) => statusCode)).toEqual([500, 500, 500]);
    expect(failed?.status).toBe('Failed');
    expect(new Set(receiver.received.map(({ id }) => id))).toEqual(new Set([failed?.id]));
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    receiver.replies((response) => response.writeHead(200).end());
    await expect(test.service.redeliver(job.id, failed?.id ?? '', eve)).rejects.toThrow('no job');
    await expect(test.service.redeliver(job.id, `${job.id}_1`, ada)).rejects.toThrow('no delivery');
    expect(await test.service.redeliver(job.id, failed?.id ?? '', ada)).toMatchObject({ status: 'Pending' });
    const [again] = await settled(job);
    expect(again).toMatchObject({ status: 'Delivered', attempts: [{}, {}, {}, { statusCode: 200 }] });
  });

  it('heeds Retry-After, of which it believes ten hours', async () => {
    const receiver = await startReceiver();
    dispatch();
    for (const [asked, hours] of [
      ['7200', 2],
      ['999999999', 10],
      [new Date(Date.now() + 7_200_000).toUTCString(), 2],
    ] as const) {
      receiver.replies((response) => response.writeHead(503, { 'Retry-After': asked }).end());
      const job = await submit(receiver.url);
      await test.service.cancel(job.id, ada);
      const [delivery] = await poll(
        () => deliveriesOf(job),
        ([one]) => one?.attempts.length === 1,
      );
      const waitMs = (delivery?.nextAttemptAt?.getTime() ?? 0) - (delivery?.attempts[0]?.at.getTime() ?? 0);
      expect(Math.round(waitMs / 3_600_000)).toBe(hours);
    }
    await test.backend.removeFinished('plain', Date.now() + 7_200_000);
  });

  it('ends with 410, follows no redirect, and knows who did not answer', async () => {
    const receiver = await startReceiver();
    dispatch(test, { replyMs: 100, waitsMs: [] });
    const attempt = async (reply: Parameters<typeof receiver.replies>[0]) => {
      receiver.replies(reply);
      const job = await submit(receiver.url);
      await test.service.cancel(job.id, ada);
      const [delivery] = await settled(job);
      return delivery?.attempts[0];
    };
    expect(await attempt((response) => response.writeHead(410).end())).toMatchObject({ statusCode: 410 });
    expect(await attempt((response) => response.writeHead(302, { location: receiver.url }).end())).toMatchObject({
      statusCode: 302,
      error: 'REDIRECT',
    });
    expect(await attempt(() => undefined)).toMatchObject({ statusCode: null, error: 'TIMEOUT' });
    expect(await attempt((response) => response.destroy())).toMatchObject({ statusCode: null, error: 'CONNECTION' });
    // An endless reply takes no more than its share.
    expect(
      await attempt((response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
        response.once('close', () => clearInterval(timer));
      }),
    ).toMatchObject({ statusCode: 200 });
    expect(receiver.received).toHaveLength(5);
  });

  it('sends what a process took that was killed, or that closes', async () => {
    const receiver = await startReceiver();
    const job = await submit(receiver.url);
    await test.service.cancel(job.id, ada);
    const limits = { most: 10, perReceiver: 10, perCaller: 10, busy: new Map() };
    const [taken] = await test.deliveries.take(limits);
    expect(taken?.job.id).toBe(job.id);
    // Nobody else has it meanwhile.
    expect(await test.deliveries.take(limits)).toEqual([]);
    expect(await test.service.redeliver(job.id, taken?.id ?? '', ada)).toMatchObject({ status: 'Pending' });
    expect(await test.deliveries.take(limits)).toEqual([]);
    await taken?.settle(undefined, 0);
    dispatch();
    expect((await receiver.until(1))[0]?.id).toBe(taken?.id);
    await settled(job);
  });

  it('tells an end that another program made, and one of a process that was killed before it said so', async () => {
    // Another program cannot use the embedded store.
    if (backend === 'embedded') return;
    const receiver = await startReceiver();
    const job = await submit(receiver.url);
    const run = async () => ({ text: 'done' });
    const redis = new Redis(backend === 'redis' ? (test.url ?? '') : '', {
      maxRetriesPerRequest: null,
      lazyConnect: true,
    });
    const database = new Pool({ connectionString: test.url, options: postgresOptions, max: 2 });
    const worker =
      backend === 'redis'
        ? new Worker(queueName('plain'), run, { connection: redis, prefix })
        : new Worker('plain', run, { connection: toBullmqPool(database) }, createPostgresBackend);
    onTestFinished(async () => {
      await worker.close(true);
      redis.disconnect();
      await database.end();
    });
    await test.finish(job);
    dispatch();
    expect((await receiver.until(1))[0]?.event).toMatchObject({ type: 'job.succeeded', data: { id: job.id } });
    expect(await settled(job)).toHaveLength(1);
  });

  it('sends again, with the same id, what a process took that was killed, when its time is over', async () => {
    const receiver = await startReceiver();
    const job = await submit(receiver.url);
    await test.service.cancel(job.id, ada);
    const [taken] = await test.backend.deliveries.take(['plain'], {
      most: 1,
      perReceiver: 1,
      perCaller: 1,
      busy: new Map(),
      leaseMs: 300,
    });
    dispatch();
    const [received] = await receiver.until(1);
    await settled(job);
    // The first process goes on after all: what it has to say comes too late.
    if (taken === undefined) throw new Error('nothing was due');
    expect(await test.backend.deliveries.settle(taken, '', 0)).toBe(false);
    expect(await settled(job)).toMatchObject([{ id: received?.id, attempts: [{ statusCode: 204 }] }]);
    expect(receiver.received).toHaveLength(1);
  });

  it('keeps what came of an attempt that ends while the store is away', async () => {
    if (test.url === undefined) return;
    const receiver = await startReceiver();
    const proxy = await startTcpProxy(test.url);
    onTestFinished(() => proxy.close());
    const other = await test.otherSide(proxy.url);
    dispatch(other);
    const away = signal<() => void>();
    receiver.replies((response) => {
      away.reach(proxy.block());
      response.writeHead(200).end();
    });
    const job = await submit(receiver.url);
    await test.service.cancel(job.id, ada);
    const restore = await away.reached;
    expect(await deliveriesOf(job)).toMatchObject([{ status: 'Pending', attempts: [] }]);
    restore();
    expect(await settled(job)).toMatchObject([{ status: 'Delivered', attempts: [{ statusCode: 200 }] }]);
    expect(receiver.received).toHaveLength(1);
  });

  it('sends each end once from several processes', async () => {
    const receiver = await startReceiver();
    const jobs = await Promise.all(
      Array.from({ length: 40 }, (_, at) => submit(receiver.url, `${at}`, at % 2 ? ada : eve)),
    );
    // The embedded store has one process.
    const others = backend === 'embedded' ? [] : [await test.otherSide(), await test.otherSide()];
    for (const side of [test, ...others]) dispatch(side);
    for (const { id, caller } of jobs) await test.service.cancel(id, principal(caller));
    await receiver.until(jobs.length);
    await poll(
      () => test.backend.deliveries.count(['plain']),
      (count) => count === 0,
    );
    expect(receiver.received.map(({ event }) => event.data.id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });

  it('lets a receiver that does not answer wait, and nobody else', async () => {
    const silent = await startReceiver();
    const receiver = await startReceiver();
    silent.replies(() => undefined);
    const jobs = await Promise.all(Array.from({ length: 30 }, () => submit(silent.url)));
    for (const { id } of jobs) await test.service.cancel(id, ada);
    dispatch();
    await silent.until(10);
    const job = await submit(receiver.url);
    await test.service.cancel(job.id, ada);
    await receiver.until(1);
    expect(silent.received).toHaveLength(10);
    await test.backend.removeFinished('plain', Date.now() + 7_200_000);
  });

  it('keeps nothing of a job that was removed', async () => {
    const receiver = await startReceiver();
    const [job] = await Promise.all([submit(receiver.url), submit(receiver.url, 'stays')]);
    await test.service.cancel(job.id, ada);
    expect(await deliveriesOf(job)).toHaveLength(1);
    expect(await contents()).toContain(job.id);
    expect(await contents()).toContain(new URL(receiver.url).host);
    await test.backend.removeFinished('plain', Date.now() + 7_200_000);
    const left = await contents();
    expect(left.split(job.id)).toHaveLength(1);
    const { secret } = await test.service.webhookSecret(ada);
    expect(left).not.toContain(secret.slice('whsec_'.length, -1));
    expect(await test.backend.deliveries.count(['plain'])).toBe(0);
    const limits = { most: 10, perReceiver: 10, perCaller: 10, busy: new Map() };
    expect(await test.deliveries.take(limits)).toEqual([]);
    expect(receiver.received).toEqual([]);
  });

  it('signs with the old secret too, for a day after it was replaced', async () => {
    const receiver = await startReceiver();
    const { secret: old, previous: none } = await test.service.webhookSecret(eve);
    expect(none).toEqual([]);
    await expect(test.service.rotateWebhookSecret(eve, 'eve')).rejects.toThrow('admin');
    await test.service.rotateWebhookSecret(ANONYMOUS, 'eve');
    const { secret, previous } = await test.service.webhookSecret(eve);
    expect(previous).toMatchObject([{ secret: old }]);
    expect(secret).not.toBe(old);
    dispatch();
    const job = await submit(receiver.url, 'text', eve);
    await test.service.cancel(job.id, eve);
    const [one] = await receiver.until(1);
    for (const each of [old, secret])
      expect(() => verifyWebhook(one?.headers ?? {}, one?.body ?? '', each)).not.toThrow();
    expect(await (await test.otherSide()).service.webhookSecret(eve)).toEqual({
      secret,
      previous,
      rotatedAt: expect.any(Date),
    });
  });
});
