import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { type CheckoutWithEmptyJob, EMPTY, bareWorker } from '../contenders.ts';
import type { LoadRequest } from '../driver/connection.ts';
import { fill } from '../driver/load.ts';
import { type Program, type Settings, startProgram } from '../program.ts';
import { WORKER_CONCURRENCIES, workerPath } from '../report/targets.ts';
import type { Bench } from './measure.ts';

const RUN_MS = 120_000;
/** The same as those of Accepted's jobs. */
const RETRIES = { attempts: 3, backoff: { type: 'exponential', delay: 1000 } };
const POLL_MS = 100;
const BULK = 1000;

const SUBMISSION: LoadRequest = {
  method: 'POST',
  path: EMPTY.path,
  body: JSON.stringify(EMPTY.data),
  statuses: [202],
  contains: '"id"',
};

interface Runner {
  readonly name: string;
  addJobs(amount: number, settings: Settings): Promise<void>;
  worker(concurrency: number): Program;
}

const BARE: Runner = {
  name: 'bare',
  async addJobs(amount, settings) {
    const queue = new Queue('empty', { connection: { url: settings['QUEUE_URL'] ?? '' } });
    for (let added = 0; added < amount; added += BULK) {
      const size = Math.min(BULK, amount - added);
      const jobs = Array.from({ length: size }, () => ({
        name: 'empty',
        data: EMPTY.data,
        opts: { jobId: randomUUID(), ...RETRIES },
      }));
      await queue.addBulk(jobs);
    }
    await queue.close();
  },
  worker: (concurrency) => bareWorker('empty', EMPTY.data, concurrency),
};

const runnerOf = ({ name, server, worker }: CheckoutWithEmptyJob): Runner => ({
  name,
  async addJobs(amount, settings) {
    const running = await startProgram(server, settings);
    try {
      await fill(running.url, SUBMISSION, amount);
    } finally {
      await running.end();
    }
  },
  worker: (concurrency) => ({
    ...worker,
    settings: { ...worker.settings, WORKER_CONCURRENCY: String(concurrency) },
  }),
});

/** One round: a plain BullMQ worker and Accepted's, each over a queue of empty jobs. */
export async function measureWorkers({ stores, options, recorder, round, copies }: Bench): Promise<void> {
  const runners = [BARE, ...copies.map(runnerOf)];
  for (const concurrency of WORKER_CONCURRENCIES) {
    const amount = concurrency === 1 ? Math.ceil(options.jobs / 4) : options.jobs;
    for (const { name, addJobs, worker } of round % 2 === 0 ? runners.toReversed() : runners) {
      const path = workerPath(concurrency);
      await recorder.attempt(`${path}: ${name}`, () =>
        stores.withEmpty(async (settings) => {
          await addJobs(amount, settings);
          const completed = await completedSets(stores.redis);
          const running = await startProgram(worker(concurrency), settings);
          try {
            const perSecond = await speedOf(stores.redis, completed, amount);
            recorder.add({ path, name, pair: String(round), figures: { perSecond } });
          } finally {
            await running.end();
          }
        }),
      );
    }
  }
}

/** BullMQ's keys of finished jobs, found by those of waiting ones: a commit's prefix and number of queues are its own affair. */
export async function completedSets(redis: Redis): Promise<string[]> {
  const lists = await redis.keys('*:wait');
  return lists.map((key) => key.replace(/wait$/, 'completed'));
}

/** Members of some sorted sets. */
export async function countIn(redis: Redis, sets: readonly string[]): Promise<number> {
  const counts = await Promise.all(sets.map((key) => redis.zcard(key)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Waits until all jobs are done. Leaves out the first fifth, in which the worker starts; BullMQ keeps when each was done. */
async function speedOf(redis: Redis, completed: readonly string[], amount: number): Promise<number> {
  const deadline = performance.now() + RUN_MS;
  for (;;) {
    const done = await countIn(redis, completed);
    if (done >= amount) break;
    if (performance.now() > deadline) throw new Error(`${done} of ${amount} jobs done within ${RUN_MS} ms`);
    await delay(POLL_MS);
  }
  const sets = await Promise.all(completed.map((key) => redis.zrange(key, '0', '-1', 'WITHSCORES')));
  // Members and scores take turns.
  const times = sets.flatMap((set) => set.filter((_, index) => index % 2 === 1).map(Number)).toSorted((a, b) => a - b);
  const first = Math.floor(amount / 5);
  return ((times.length - 1 - first) * 1000) / ((times.at(-1) ?? 0) - (times[first] ?? 0));
}
