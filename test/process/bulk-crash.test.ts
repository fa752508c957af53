import { join } from 'node:path';
import { Queue, createPostgresBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { postgresOptions, prefix, queueName } from '../../src/bullmq.ts';
import { toBullmqPool } from '../../src/queue/postgres/pool.ts';
import { type TestApp, startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/hostile');
/** Fifteen steps of a bulk action. */
const JOBS = 1500;
const TYPE = 'secret';

const jobSchema = z.object({ id: z.string(), attempt: z.number() });
const listSchema = z.object({ items: z.array(jobSchema), nextCursor: z.string().nullable() });

/** BullMQ's own queue of the type. */
function openQueue(url: string): Pick<Queue, 'getJobCountByTypes'> {
  if (!url.startsWith('redis')) {
    const pool = openPool(url, { options: postgresOptions, max: 1 });
    const queue = new Queue(TYPE, { connection: toBullmqPool(pool) }, createPostgresBackend);
    onTestFinished(() => queue.close().then(() => pool.end()));
    return queue;
  }
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue(queueName(TYPE), { connection: redis, prefix });
  onTestFinished(() => queue.close().then(() => redis.disconnect()));
  return queue;
}

async function post({ url }: TestApp, path: string, body: unknown = {}): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json' };
  const reply = await poll(
    () => fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) }),
    ({ status }) => status !== 503,
  );
  expect(reply.ok).toBe(true);
  return reply.json();
}

async function resultOf(app: TestApp, id: string): Promise<unknown> {
  const reply = await poll(
    () => app.fetch(`/api/jobs/${id}?onComplete=stream`, { headers: { Prefer: 'wait=20' } }),
    ({ status }) => status === 200,
  );
  return reply.json();
}

async function listAll(app: TestApp, status: string): Promise<z.output<typeof jobSchema>[]> {
  const all = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const path = `/api/jobs?type=${TYPE}&status=${status}&limit=100&cursor=${encodeURIComponent(cursor)}`;
    const { items, nextCursor } = listSchema.parse(await (await app.fetch(path)).json());
    all.push(...items);
    cursor = nextCursor;
  }
  return all;
}

it('a bulk action on 1,500 jobs whose worker is killed is completed by another, with no job changed twice', async () => {
  const check = async (backend: 'redis' | 'postgres'): Promise<void> => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const settings = { ...store.settings, JOBS_DIR };
    const app = await startAppForTest(backend, settings, { role: 'api', store });
    const queue = openQueue(store.settings.QUEUE_URL ?? '');
    const countFailed = () => queue.getJobCountByTypes('failed');
    const whenAllFailed = () => poll(countFailed, (count) => count === JOBS);
    const first = await startProcess({ settings, role: 'worker' });
    for (let sent = 0; sent < JOBS; sent += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => post(app, '/api/secrets', { text: `${sent + index}`, how: 'told' })),
      );
    await whenAllFailed();

    await post(app, `/api/job-types/${TYPE}/pause`);
    const { id } = jobSchema.parse(await post(app, '/api/jobs/retry', { type: TYPE }));
    // Without a pause between two reads, since a step takes milliseconds.
    while ((await countFailed()) === JOBS) expect(first.isRunning()).toBe(true);
    await first.end('SIGKILL');
    const rest = await countFailed();
    expect(rest).toBeGreaterThan(0);
    expect(rest).toBeLessThan(JOBS);

    // Those that were retried fail once more, before the action goes on.
    await post(app, `/api/job-types/${TYPE}/resume`);
    await startProcess({ settings, role: 'worker' });
    expect(await resultOf(app, id)).toEqual({ matched: rest, changed: rest, skipped: 0 });
    await whenAllFailed();
    const jobs = await listAll(app, 'Failed');
    expect(new Set(jobs.map((job) => job.id)).size).toBe(JOBS);
    expect(jobs.every(({ attempt }) => attempt === 2)).toBe(true);

    await post(app, `/api/job-types/${TYPE}/pause`);
    for (const action of ['retry', 'cancel']) {
      const job = jobSchema.parse(await post(app, `/api/jobs/${action}`, { type: TYPE }));
      expect(await resultOf(app, job.id)).toEqual({ matched: JOBS, changed: JOBS, skipped: 0 });
    }
  };
  await Promise.all([check('redis'), check('postgres')]);
}, 240_000);
