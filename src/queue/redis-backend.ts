import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Logger } from '../core/ports.ts';
import { StartError } from '../core/start-error.ts';
import type { QueueBackend } from './backend.ts';
import { isConnectionError } from './connection-error.ts';
import { createConnectionLog } from './connection-log.ts';
import { describeUrl } from './describe-url.ts';
import type { JobData, JobRecord } from './job-record.ts';
import { type RedisClient, type RedisClientOptions, createRedisClient } from './redis-client.ts';

const PREFIX = 'accepted';

/** The fields of BullMQ's job hash that a status read needs; not `data`, which may be large. */
const RECORD_FIELDS = [
  'timestamp',
  'processedOn',
  'finishedOn',
  'returnvalue',
  'failedReason',
  'progress',
  'atm',
  'opts',
] as const;

/** Milliseconds between two tries to connect. */
const retryStrategy = (tries: number): number => Math.min(tries * 100, 1000);

/** @throws StartError that names QUEUE_URL, when the URL can't be read */
export function createRedisBackend(url: string, logger: Logger): QueueBackend {
  const log = createConnectionLog(logger);
  const clients: RedisClient[] = [];
  const open = (options: Omit<RedisClientOptions, 'retryStrategy' | 'connectTimeout'>): RedisClient => {
    const client = createRedisClient(url, { retryStrategy, connectTimeout: 2000, ...options });
    client.on('error', log.failed);
    client.on('ready', log.recovered);
    clients.push(client);
    return client;
  };
  // A refused command is never sent later: nothing queues in the client, and nothing is sent a second time.
  const client = open({
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  });
  let workerClient: RedisClient | undefined;

  return {
    description: `Redis (${describeUrl(url)})`,
    connect: () => connectClient(client),
    createProducer(type) {
      const queue = new Queue<JobData>(queueName(type), { connection: client, prefix: PREFIX });
      queue.on('error', log.failed);
      return queue;
    },
    createConsumer(type, processor, options) {
      // A worker's commands wait for Redis to come back.
      workerClient ??= open({ maxRetriesPerRequest: null });
      const worker = new Worker<JobData, unknown>(queueName(type), processor, {
        ...options,
        connection: workerClient,
        prefix: PREFIX,
      });
      worker.on('error', log.failed);
      return worker;
    },
    async readRecord(type, id) {
      // One transaction. BullMQ's lock lives exactly as long as an attempt does.
      const replies = await client
        .multi()
        .hmget(jobKey(type, id), ...RECORD_FIELDS)
        .exists(`${jobKey(type, id)}:lock`)
        .exec();
      const [fields, locked] = (replies ?? []).map(([error, reply]) => {
        if (error !== null) throw error;
        return reply;
      });
      return toRecord(fields, locked === 1);
    },
    async readData(type, id) {
      const data = await client.hget(jobKey(type, id), 'data');
      return data === null ? undefined : JSON.parse(data);
    },
    async ping() {
      // Both kinds of client have it.
      await client.call('PING');
    },
    async close() {
      for (const each of clients) each.disconnect();
    },
  };
}

/** What Redis says to a client that it will not let in, however often it tries. */
const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM)/;

/**
 * Connects, and resolves when the client is ready.
 * @throws StartError that names QUEUE_URL, when Redis refuses the credentials or has no such database
 */
async function connectClient(client: RedisClient): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error): void => {
    if (REFUSED.test(error.message)) reject(refusal(error));
  };
  client.on('error', onError);
  client.once('ready', resolve);
  if (client.status === 'ready') resolve();
  // A first try that fails is an error event too, and others follow.
  if (client.status === 'wait') client.connect().catch(() => undefined);
  try {
    await promise;
    // ioredis is ready even if it could not select the database, and would work on another one.
    if (client instanceof Redis) await client.select(client.options.db ?? 0);
  } catch (error) {
    throw isConnectionError(error) || error instanceof StartError ? error : refusal(error);
  } finally {
    client.off('error', onError);
    client.off('ready', resolve);
  }
}

function refusal(error: unknown): StartError {
  return new StartError(`QUEUE_URL: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

function jobKey(type: string, id: string): string {
  return `${PREFIX}:${queueName(type)}:${id}`;
}

/** The braces keep all keys of a queue in one slot of a cluster. */
function queueName(type: string): string {
  return `{${type}}`;
}

function toRecord(fields: unknown, locked: boolean): JobRecord | undefined {
  if (!Array.isArray(fields)) throw new Error('Redis gave no list to HMGET');
  const [timestamp, processedOn, finishedOn, returnvalue, failedReason, progress, atm, opts] = fields.map((field) =>
    typeof field === 'string' ? field : null,
  );
  if (timestamp == null) return undefined;
  const state = finishedOn == null ? (locked ? 'active' : 'waiting') : returnvalue == null ? 'failed' : 'completed';
  return {
    state,
    progress: parse(progress),
    result: parse(returnvalue),
    failedReason: failedReason ?? null,
    attemptsMade: Number(atm ?? 0),
    maxAttempts: Number(parse(opts)?.attempts ?? 1),
    createdAt: Number(timestamp),
    startedAt: processedOn == null ? null : Number(processedOn),
    finishedAt: finishedOn == null ? null : Number(finishedOn),
  };
}

function parse(json: string | null | undefined) {
  return json == null ? null : JSON.parse(json);
}
