import { QueueKeys, RedisConnection, RedisQueueBackend, Worker, createIORedisClient } from 'bullmq';
import { moveToFinished } from 'bullmq/dist/esm/scripts/moveToFinished-14.js';
import type { BullmqConsumer, ConsumerOptions, JobProcessor } from './backend.ts';
import { CANCELED, type JobData } from './job-record.ts';
import type { RedisClient } from './redis-client.ts';
import { type IndexSet, indexKey } from './redis-index.ts';

const COMMAND = 'accepted:finish';

/**
 * BullMQ's own script inside ours, so that a job ends and changes its set of the index in one step, and the next one is taken up in the
 * same. ARGV, behind BullMQ's nine: the time of the job's creation, its set's key, that of those which are not done.
 */
const FINISH_JOB = `
local function finish()
${moveToFinished.content}
end
local reply = finish()
-- BullMQ refuses with a number below 0.
if type(reply) == 'table' or reply >= 0 then
  redis.call('ZADD', ARGV[11], ARGV[10], ARGV[1])
  redis.call('ZREM', ARGV[12], ARGV[1])
end
return reply`;

/** BullMQ's backend, but for what it ends a job with. */
class IndexingBackend extends RedisQueueBackend {
  protected override moveToFinishedArgs(
    ...[job, value, ...rest]: Parameters<RedisQueueBackend['moveToFinishedArgs']>
  ): ReturnType<RedisQueueBackend['moveToFinishedArgs']> {
    const args = super.moveToFinishedArgs(job, value, ...rest);
    const [property] = rest;
    const set: IndexSet = property === 'returnvalue' ? 'Succeeded' : value === CANCELED ? 'Canceled' : 'Failed';
    const prefix = this.toKey('');
    args.push(job.timestamp, indexKey(prefix, set, job.name), indexKey(prefix, 'open', job.name));
    return args;
  }

  override execCommand(...[client, command, args]: Parameters<RedisQueueBackend['execCommand']>): unknown {
    if (command === moveToFinished.name) return client.runCommand(COMMAND, args);
    return super.execCommand(client, command, args);
  }
}

export interface RedisConsumerOptions {
  readonly client: RedisClient;
  /** What every key begins with. */
  readonly prefix: string;
  readonly queueName: string;
  readonly skipVersionCheck: boolean;
  onError(error: Error): void;
}

export function createRedisConsumer(
  { client, prefix, queueName, skipVersionCheck, onError }: RedisConsumerOptions,
  processor: JobProcessor,
  { onFailed, onRenewed, onLost, ...options }: ConsumerOptions,
): BullmqConsumer {
  client.defineCommand(COMMAND, { numberOfKeys: moveToFinished.keys, lua: FINISH_JOB });
  const worker = new Worker<JobData, unknown, string, IndexingBackend>(
    queueName,
    processor,
    { ...options, connection: client, prefix },
    (name, opts) => {
      const keys = new QueueKeys(prefix);
      const connection = new RedisConnection(client, { shared: true, blocking: false, skipVersionCheck });
      // What is sent after a command that waits would wait as well. The name is the one that BullMQ knows workers by.
      const connectionName = `${prefix}:${Buffer.from(name).toString('base64')}`;
      const waiting = new RedisConnection(createIORedisClient(client).duplicate({ connectionName }), {
        shared: false,
        blocking: true,
        skipVersionCheck,
      });
      return new IndexingBackend(connection, name, keys.getKeys(name), (key) => keys.toKey(name, key), opts, waiting);
    },
  );
  worker.on('error', onError);
  worker.on('locksRenewed', ({ jobIds }) => onRenewed(jobIds));
  worker.on('lockRenewalFailed', onLost);
  worker.on('failed', (job) => job && onFailed(job));
  return worker;
}
