import { Queue } from 'bullmq';
import type { Addition, KeptJob } from '../job-record.ts';
import type { BackendQueue } from '../backend.ts';
import type { RedisClient } from './client.ts';
import { type JobReply, toRecord } from './record.ts';
import { SCRIPTS, runScript } from './scripts.ts';
import type { StoreClock } from '../store-clock.ts';

/** So few that Redis begins while this process still reads requests. */
const MAX_ADDITIONS = 8;

/** BullMQ's priority of jobs without one in a queue where others have one; the same as in common.lua. */
const LOWEST_PRIORITY = 10;

/** The reply of `add-jobs.lua` for one job. */
type Reply = 0 | readonly [job: JobReply, data: string, id: string];

/**
 * Its own inverse. A job without a priority goes after all others, wherever BullMQ keeps it: see `levelOf` of common.lua.
 */
export const bullmqPriority = (priority: number): number => (priority === 0 ? 0 : LOWEST_PRIORITY - priority);

export interface RedisQueueOptions {
  readonly client: RedisClient;
  readonly clock: StoreClock;
  readonly type: string;
  /** What every key begins with. */
  readonly prefix: string;
  readonly queueName: string;
  readonly skipVersionCheck: boolean;
  /** Whether callers take turns. */
  readonly fair: boolean;
  onError(error: Error): void;
}

export function createRedisQueue(options: RedisQueueOptions): BackendQueue {
  const { client, clock, type, prefix, queueName, skipVersionCheck, fair, onError } = options;
  const queue = new Queue(queueName, { connection: client, prefix, skipVersionCheck });
  queue.on('error', onError);
  const keyPrefix = `${queue.qualifiedName}:`;

  const toKept = (reply: Reply): KeptJob | undefined => {
    if (reply === 0) return undefined;
    const [job, data, id] = reply;
    const record = toRecord(type, id, job);
    const parsed: unknown = JSON.parse(data);
    if (record === undefined) throw new Error(`the key of ${id} is not a job`);
    return { record, data: parsed };
  };

  async function addAll(
    additions: readonly Addition[],
    deadline: number,
    wantsEarlier: 0 | 1,
    script = SCRIPTS.addJobs,
  ): Promise<unknown> {
    const jobs = additions.flatMap(({ id, caller, timestamp, data, options: jobOptions, priority, delayMs }) => [
      id,
      caller,
      timestamp,
      data,
      jobOptions,
      priority,
      delayMs,
    ]);
    return clock.within(deadline, (storeDeadline) =>
      runScript(client, script, keyPrefix, storeDeadline, wantsEarlier, fair ? 1 : 0, ...jobs),
    );
  }

  return {
    maxAdditions: MAX_ADDITIONS,
    batchJobMs: 0.5,
    bullmqPriority,
    waitUntilReady: () => queue.waitUntilReady(),
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    async add(additions, deadline) {
      await addAll(additions, deadline, 0);
    },
    async addOnce(additions, deadline) {
      // The script's own format: one reply for each addition.
      const replies = (await addAll(additions, deadline, 1)) as readonly Reply[];
      return additions.map((_, index) => toKept(replies[index] ?? 0));
    },
    async addBatch(additions, _tag, deadline) {
      // The scripts' own formats.
      const [found] = (await addAll(additions, deadline, 0, SCRIPTS.addBatch)) as readonly Reply[];
      return toKept(found ?? 0);
    },
    schedulers: queue,
    close: () => queue.close(),
  };
}
