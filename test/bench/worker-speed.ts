import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { bareWorker } from './contenders.ts';
import { fill } from './load/fill.ts';
import type { LoadRequest } from './load/load-spec.ts';
import { startProcess } from './processes.ts';
import { EMPTY, type copyWithEmptyJob } from './project.ts';
import type { Sample } from './samples.ts';
import type { Stores } from './stores.ts';
import { workerPath } from './targets.ts';

const RUN_MS = 120_000;
/** So that a turn of the fastest takes a few seconds. */
const AMOUNT = 60_000;
const AMOUNT_ONE_AT_A_TIME = 15_000;
/** As many attempts as Accepted's, and as long a wait before each. */
const RETRIES = { attempts: 3, backoff: { type: 'exponential', delay: 1000 } };
const ASK_AGAIN_MS = 100;
const CHUNK = 1000;

type Settings = Readonly<Record<string, string>>;

/** Who runs jobs that do nothing, and how they come to its queue. */
interface WorkerContender {
  readonly name: string;
  readonly prefix: string;
  readonly queue: string;
  addJobs(amount: number, settings: Settings): Promise<void>;
  worker(concurrency: number): { readonly command: readonly string[]; readonly settings: Settings };
}

function contenders(project: ReturnType<typeof copyWithEmptyJob>): WorkerContender[] {
  return [
    {
      name: 'bare',
      prefix: 'bull',
      queue: 'empty',
      async addJobs(amount, { QUEUE_URL = '' }) {
        const queue = new Queue('empty', { connection: { url: QUEUE_URL } });
        for (let added = 0; added < amount; added += CHUNK) {
          const size = Math.min(CHUNK, amount - added);
          const jobs = Array.from({ length: size }, () => ({
            name: 'empty',
            data: EMPTY.data,
            opts: { jobId: randomUUID(), ...RETRIES },
          }));
          await queue.addBulk(jobs);
        }
        await queue.close();
      },
      worker: (concurrency) => bareWorker({ queue: 'empty', result: EMPTY.data, concurrency }),
    },
    {
      name: 'accepted',
      prefix: EMPTY.prefix,
      queue: EMPTY.queue,
      async addJobs(amount, settings) {
        const api = await startProcess(project.command('api'), settings);
        const request: LoadRequest = {
          method: 'POST',
          path: EMPTY.path,
          body: JSON.stringify(EMPTY.data),
          statuses: [202],
          contains: '"id"',
        };
        await fill(api.url ?? '', request, amount);
        await api.end();
      },
      worker: (concurrency) => ({
        command: project.command('worker'),
        settings: { WORKER_CONCURRENCY: String(concurrency) },
      }),
    },
  ];
}

/** One turn of a bare BullMQ worker and one of Accepted's, over jobs that were there before. */
export async function measureWorkers(
  concurrency: number,
  stores: Stores,
  project: ReturnType<typeof copyWithEmptyJob>,
): Promise<Sample[]> {
  const amount = concurrency === 1 ? AMOUNT_ONE_AT_A_TIME : AMOUNT;
  const samples: Sample[] = [];
  for (const { name, prefix, queue, addJobs, worker } of contenders(project)) {
    const perSecond = await stores.withEmpty(async (settings) => {
      await addJobs(amount, settings);
      const { command, settings: own } = worker(concurrency);
      const running = await startProcess(command, { ...settings, ...own });
      try {
        return await speedOf(stores, `${prefix}:${queue}:completed`, amount);
      } finally {
        await running.end();
      }
    });
    samples.push({ path: workerPath(concurrency), name, figures: { perSecond } });
  }
  return samples;
}

/** Waits until all are done, and leaves out the first fifth: the worker starts, and warms up. BullMQ keeps when each was done. */
async function speedOf({ redis }: Stores, completed: string, amount: number): Promise<number> {
  const deadline = performance.now() + RUN_MS;
  while ((await redis.zcard(completed)) < amount) {
    if (performance.now() > deadline) throw new Error(`${await redis.zcard(completed)} of ${amount} jobs done in time`);
    await delay(ASK_AGAIN_MS);
  }
  const doneAt = async (rank: number): Promise<number> =>
    Number((await redis.zrange(completed, String(rank), String(rank), 'WITHSCORES'))[1]);
  const first = Math.floor(amount / 5);
  return ((amount - 1 - first) * 1000) / ((await doneAt(amount - 1)) - (await doneAt(first)));
}
