import {
  type IRedisClient,
  type IRedisTransaction,
  Job,
  type JobJson,
  Queue,
  QueueKeys,
  RedisConnection,
  RedisQueueBackend,
} from 'bullmq';
import { addStandardJob } from 'bullmq/dist/esm/scripts/addStandardJob-9.js';
import type { BullmqProducer } from './backend.ts';
import type { JobData } from './job-record.ts';
import type { RedisClient } from './redis-client.ts';
import { indexKey } from './redis-index.ts';
import { REFUSE_LATE } from './redis-scripts.ts';
import type { StoreClock } from './store-clock.ts';

const COMMAND = 'accepted:add';

/**
 * BullMQ's own script behind ours, so that a submission is one step: it is refused when it is late, and is in the index of jobs that
 * are not done. KEYS[10]: the index; ARGV: BullMQ's three, the key of the job's hash, its id, the time of its creation, the deadline.
 */
const ADD_JOB = `
do
  ${REFUSE_LATE}
  if late(ARGV[7]) then return refuseLate() end
  -- A job with an idempotency key may be there already: then under its own time, and not if it is done.
  local timestamp, finishedOn = unpack(redis.call('HMGET', ARGV[4], 'timestamp', 'finishedOn'))
  if not finishedOn then redis.call('ZADD', KEYS[10], timestamp or ARGV[6], ARGV[5]) end
end
${addStandardJob.content}`;

interface Addition {
  readonly indexKey: string;
  /** By the store's clock. */
  readonly deadline: number;
}

/** BullMQ's backend, but for what it adds a job with. */
class GuardedBackend extends RedisQueueBackend {
  readonly #additions = new WeakMap<JobJson, Addition>();

  async addBefore(job: JobJson, addition: Addition): Promise<void> {
    this.#additions.set(job, addition);
    await this.addJob(job, job.id);
  }

  protected override async addStandardJob(
    client: IRedisClient | IRedisTransaction,
    job: JobJson,
    ...rest: [encodedOpts: unknown, args: (string | number | Record<string, unknown>)[]]
  ): Promise<string> {
    const addition = this.#additions.get(job);
    if (addition === undefined) throw new Error('a job is added with a deadline');
    const args = this.addStandardJobArgs(job, ...rest);
    const ours = [this.toKey(job.id), job.id, job.timestamp, addition.deadline];
    const keys = addStandardJob.keys;
    return client.runCommand(COMMAND, [...args.slice(0, keys), addition.indexKey, ...args.slice(keys), ...ours]);
  }
}

export interface RedisProducerOptions {
  readonly client: RedisClient;
  readonly clock: StoreClock;
  /** What every key begins with. */
  readonly prefix: string;
  readonly queueName: string;
  readonly skipVersionCheck: boolean;
  onError(error: Error): void;
}

export function createRedisProducer(options: RedisProducerOptions): BullmqProducer {
  const { client, clock, prefix, queueName, skipVersionCheck, onError } = options;
  client.defineCommand(COMMAND, { numberOfKeys: addStandardJob.keys + 1, lua: ADD_JOB });
  const queue = new Queue<JobData, unknown, string, JobData, unknown, string, GuardedBackend>(
    queueName,
    { connection: client, prefix },
    (name, opts) => {
      const keys = new QueueKeys(prefix);
      const connection = new RedisConnection(client, { shared: true, blocking: false, skipVersionCheck });
      return new GuardedBackend(connection, name, keys.getKeys(name), (type) => keys.toKey(name, type), opts);
    },
  );
  queue.on('error', onError);
  return {
    waitUntilReady: () => queue.waitUntilReady(),
    async add(caller, data, jobOptions, deadline) {
      const job = new Job(queue, caller, data, jobOptions, jobOptions.jobId).asJSON();
      const index = indexKey(`${queue.qualifiedName}:`, 'open', caller);
      await clock.within(deadline, (storeDeadline) =>
        queue.getBackend().addBefore(job, { indexKey: index, deadline: storeDeadline }),
      );
    },
    close: () => queue.close(),
  };
}
