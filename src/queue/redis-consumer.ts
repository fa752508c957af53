import { QueueKeys, RedisConnection, RedisQueueBackend, Worker, type WorkerOptions, createIORedisClient } from 'bullmq';
import { moveToFinished } from 'bullmq/dist/esm/scripts/moveToFinished-14.js';
import type { BullmqConsumer, ConsumerOptions, JobProcessor } from './backend.ts';
import { CANCELED, type JobData } from './job-record.ts';
import type { RedisClient } from './redis-client.ts';
import type { IndexSet } from './redis-index.ts';

const COMMAND = 'accepted:finish';

/** What BullMQ's script takes as its first ten keys, behind the queue's prefix. Four others follow, of the job and its end. */
const KEYS = ['wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc'];

/**
 * BullMQ's own script inside ours, so that a job ends and changes its set of the index in one step, and the next one is taken up in the
 * same. It is given short texts alone, of which the other arguments are made here: the keys are long, and what is packed makes ioredis
 * write each argument by itself. KEYS[1] is the queue's prefix. ARGV: id, time, property, value, target, whether to fetch the next, token,
 * options, fields to update, and of the job its time of creation, its set, and its caller.
 */
const FINISH_JOB = `
local function finish(KEYS, ARGV, cmsgpack)
${moveToFinished.content}
end
local prefix, id, target = KEYS[1], ARGV[1], ARGV[5]
local keys = {}
for i, name in ipairs({${KEYS.map((key) => `'${key}'`).join(', ')}, target, id, 'metrics:' .. target, 'marker'}) do
  keys[i] = prefix .. name
end
local options = cjson.decode(ARGV[8])
options.token = ARGV[7]
local plain = {unpack = function(value) return type(value) == 'table' and value or cjson.decode(value) end}
local reply = finish(keys, {id, ARGV[2], ARGV[3], ARGV[4], target, ARGV[6], prefix, options, ARGV[9]}, plain)
-- BullMQ refuses with a number below 0.
if type(reply) == 'table' or reply >= 0 then
  redis.call('ZADD', prefix .. 'index:' .. ARGV[11] .. ':' .. ARGV[12], ARGV[10], id)
  redis.call('ZREM', prefix .. 'index:open:' .. ARGV[12], id)
end
return reply`;

type FinishedArgs = Parameters<RedisQueueBackend['moveToFinishedArgs']>;

/** BullMQ's backend, but for what it ends a job with. */
class IndexingBackend extends RedisQueueBackend {
  /** By the number of attempts: those of all jobs of a type are the same. */
  readonly #options = new Map<number, string>();
  /** BullMQ looks for the time of the end behind its keys. */
  readonly #noKeys = Array.from({ length: moveToFinished.keys }, () => '');

  protected override moveToFinishedArgs(
    ...[job, value, property, shouldRemove, target, token, timestamp, fetchNext = true, fields]: FinishedArgs
  ): ReturnType<RedisQueueBackend['moveToFinishedArgs']> {
    const set: IndexSet = property === 'returnvalue' ? 'Succeeded' : value === CANCELED ? 'Canceled' : 'Failed';
    return [
      ...this.#noKeys,
      job.id ?? '',
      timestamp,
      property,
      value ?? 'null',
      target,
      fetchNext && !this.queue.closing ? 1 : 0,
      token,
      this.#optionsFor(job.opts.attempts ?? 0, shouldRemove),
      fields === undefined ? '' : toFields(fields),
      job.timestamp,
      set,
      job.name,
    ];
  }

  override execCommand(...[client, command, args]: Parameters<RedisQueueBackend['execCommand']>): unknown {
    if (command !== moveToFinished.name) return super.execCommand(client, command, args);
    return client.runCommand(COMMAND, [this.toKey(''), ...args.slice(moveToFinished.keys)]);
  }

  #optionsFor(attempts: number, shouldRemove: FinishedArgs[3]): string {
    const known = this.#options.get(attempts);
    if (known !== undefined) return known;
    // A worker's backend has the worker's options.
    const { lockDuration } = this.queue.opts as WorkerOptions;
    const keepJobs = this.getKeepJobs(shouldRemove, undefined);
    const text = JSON.stringify({ keepJobs, lockDuration, attempts, maxMetricsSize: '' });
    this.#options.set(attempts, text);
    return text;
  }
}

/** Lua's JSON has no halves of surrogate pairs. */
function toFields(fields: Readonly<Record<string, unknown>>): string {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return JSON.stringify(known.flat().map((part) => (typeof part === 'string' ? part.toWellFormed() : part)));
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
  client.defineCommand(COMMAND, { numberOfKeys: 1, lua: FINISH_JOB });
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
