import { randomBytes } from 'node:crypto';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { z } from 'zod';
import type { Logger } from '../core/ports.ts';
import { StartError } from '../core/start-error.ts';
import type { QueueBackend } from './backend.ts';
import { isConnectionError } from './connection-error.ts';
import { createConnectionLog } from './connection-log.ts';
import { describeUrl } from './describe-url.ts';
import { CANCELED, type JobData, type JobProgress, type JobRecord } from './job-record.ts';
import { PACE_SAMPLE, toPace } from './pace.ts';
import { runQueueEvents } from './queue-events.ts';
import { type RedisClient, type RedisClientOptions, createRedisClient } from './redis-client.ts';
import { closeInIndex, indexAgain, indexOpen, indexingProcessor, listJobs } from './redis-index.ts';
import { toRecords } from './redis-record.ts';
import {
  CANCEL_JOB,
  READ_DEPTH,
  READ_JOBS,
  READ_MARKED,
  READ_PACE,
  REMOVE_FINISHED,
  RETRY_JOB,
  runScript,
} from './redis-scripts.ts';

const PREFIX = 'accepted';
/** Job types have no colon in their names. */
const SECRET_KEY = `${PREFIX}:secret`;
/** Finished jobs that one script removes: Redis does nothing else meanwhile. */
const REMOVED_AT_ONCE = 500;

const cancellationSchema = z.enum(['canceled', 'requested', 'refused']);
const idsSchema = z.array(z.string());
const paceSchema = z.tuple([z.number(), z.array(z.tuple([z.coerce.number(), z.coerce.number()]))]);

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

  const readRecords = async (type: string, ids: readonly string[]): Promise<(JobRecord | undefined)[]> =>
    toRecords(type, ids, await runScript(client, READ_JOBS, prefixOf(type), ...ids));

  return {
    description: `Redis (${describeUrl(url)})`,
    connect: () => connectClient(client),
    createProducer(type) {
      const queue = new Queue<JobData>(queueName(type), { connection: client, prefix: PREFIX });
      queue.on('error', log.failed);
      return {
        waitUntilReady: () => queue.waitUntilReady(),
        async add(caller, data, options) {
          const entry = { id: options.jobId ?? '', caller, createdAt: options.timestamp ?? 0 };
          await Promise.all([indexOpen(client, prefixOf(type), entry), queue.add(caller, data, options)]);
          if (data.fingerprint !== undefined) await indexAgain(client, prefixOf(type), entry.id);
        },
        close: () => queue.close(),
      };
    },
    async createConsumer(type, processor, { onFailed, ...options }) {
      // A worker's commands wait for Redis to come back.
      workerClient ??= open({ maxRetriesPerRequest: null });
      const own = workerClient;
      const prefix = prefixOf(type);
      const indexing = indexingProcessor(own, prefix, logger, processor);
      const worker = new Worker<JobData, unknown>(queueName(type), indexing, {
        ...options,
        connection: own,
        prefix: PREFIX,
      });
      worker.on('error', log.failed);
      worker.on('completed', ({ id }) => closeInIndex(own, prefix, logger, id));
      worker.on('failed', (job) => {
        if (job === undefined) return;
        closeInIndex(own, prefix, logger, job.id);
        onFailed(job);
      });
      return worker;
    },
    async createEvents(type, listener) {
      const [last] = await client.xrevrange(`${prefixOf(type)}events`, '+', '-', 'COUNT', 1);
      const queueEvents = new QueueEvents(queueName(type), {
        // A reader that blocks needs a connection of its own.
        connection: open({ maxRetriesPerRequest: null }),
        prefix: PREFIX,
        autorun: false,
        lastEventId: last?.[0] ?? '0-0',
      });
      return runQueueEvents(queueEvents, listener, log.failed);
    },
    async readRecord(type, id) {
      const [record] = await readRecords(type, [id]);
      return record;
    },
    async readData(type, id) {
      const data = await client.hget(prefixOf(type) + id, 'data');
      return data === null ? undefined : JSON.parse(data);
    },
    list(query) {
      const types = query.types.map((type) => ({
        type,
        prefix: prefixOf(type),
        read: (ids: readonly string[]) => readRecords(type, ids),
      }));
      return listJobs(client, types, query);
    },
    async cancel(type, id, { onlyMarked }) {
      const reply = await runScript(client, CANCEL_JOB, prefixOf(type), id, Date.now(), CANCELED, onlyMarked ? 1 : 0);
      return cancellationSchema.parse(reply);
    },
    async readMarked(type, ids) {
      return idsSchema.parse(await runScript(client, READ_MARKED, prefixOf(type), CANCELED, ...ids));
    },
    async retry(type, id, attempts) {
      const progress = JSON.stringify({ percentComplete: 0, message: null, at: Date.now() } satisfies JobProgress);
      return (await runScript(client, RETRY_JOB, prefixOf(type), id, attempts, progress)) === 1;
    },
    async removeFinished(type, until) {
      return Number(await runScript(client, REMOVE_FINISHED, prefixOf(type), until, REMOVED_AT_ONCE));
    },
    async readPace(type) {
      const [waiting, times] = paceSchema.parse(await runScript(client, READ_PACE, prefixOf(type), PACE_SAMPLE));
      const runs = times.map(([startedAt, finishedAt]) => ({ startedAt, finishedAt }));
      return toPace(runs, waiting);
    },
    async readDepth(type, max) {
      return Math.min(Number(await runScript(client, READ_DEPTH, prefixOf(type))), max);
    },
    async readSecret() {
      const secret = randomBytes(32).toString('base64url');
      return (await client.set(SECRET_KEY, secret, 'NX', 'GET')) ?? secret;
    },
    createRequestCounter: (options) => new RateLimiterRedis({ ...options, storeClient: client }),
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

/** What every key of a type's queue begins with. */
function prefixOf(type: string): string {
  return `${PREFIX}:${queueName(type)}:`;
}

/** The braces keep all keys of a queue in one slot of a cluster. */
function queueName(type: string): string {
  return `{${type}}`;
}
