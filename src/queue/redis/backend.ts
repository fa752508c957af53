import { Cluster, Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { z } from 'zod';
import { FIRST_WAITING, type Logger } from '../../core/ports.ts';
import { StartError } from '../../core/start-error.ts';
import { CALLERS_AT_ONCE, EXPIRED_AT_ONCE, PLACED_AT_ONCE, type QueueBackend, onWorkerError } from '../backend.ts';
import { isConnectionError } from '../../stores/connection-error.ts';
import { describeUrl } from '../../stores/describe-url.ts';
import { CANCELED, type JobProgress, type JobRecord } from '../job-record.ts';
import { toLoad } from '../load.ts';
import { PACE_SAMPLE, toPace } from '../pace.ts';
import { type RedisClient, type RedisClientOptions, createRedisClient } from './client.ts';
import { checkRedis, countUsers } from './check.ts';
import { completeIndex, countJobs } from './complete-index.ts';
import { createRedisWorker } from './worker.ts';
import { type RedisEvents, createRedisEvents } from './events.ts';
import { listJobs } from './list.ts';
import { createRedisQueue } from './additions.ts';
import { createRedisDeliveries } from './deliveries.ts';
import { addOutput, readOutput, storeOutput } from './output.ts';
import { PREFIX, prefixOf, queueName } from './names.ts';
import { toRecords } from './record.ts';
import { SCRIPTS, runScript } from './scripts.ts';
import { addStoredJobs, readStoredJobs } from './stored.ts';
import { readTypeState } from './type-state.ts';
import { type StoreClock, createStoreClock } from '../store-clock.ts';

/** Job types have no colon in their names. */
const SECRET_KEY = `${PREFIX}:secret`;
/** The names of all job types that there ever were. */
const TYPES_KEY = `${PREFIX}:types`;
/** The key that is written to check whether Redis accepts writes, and its time to live in milliseconds. */
const WRITTEN_KEY = `${PREFIX}:written`;
const WRITTEN_MS = 60_000;
/** The most jobs of each state that one script removes, because Redis does nothing else meanwhile. */
const REMOVED_AT_ONCE = 500;

/** The most bytes of results that one script reads, some more with the last of them. */
const MAX_READ_BYTES = 2_000_000;

const idsSchema = z.array(z.string());
const textSchema = z.string().nullable();
const jsonSchema = textSchema.transform((text): unknown => text && JSON.parse(text));
const loadSchema = z.tuple([
  z.number(),
  z.number(),
  z.number(),
  z.array(z.tuple([textSchema, textSchema, jsonSchema, jsonSchema])),
]);
const paceSchema = z.tuple([
  z.number(),
  z.number(),
  z.array(z.tuple([z.coerce.number(), z.coerce.number()])),
  idsSchema,
  z.number(),
]);
const slotSchema = z.enum(['run', 'parked', 'lost']);

const taggedSchema = z
  .tuple([z.string(), z.coerce.number(), z.number(), z.number(), z.number(), z.number(), z.number()])
  .transform(([caller, createdAt, pending, running, succeeded, failed, canceled]) => ({
    caller,
    createdAt: new Date(createdAt),
    counts: { pending, running, succeeded, failed, canceled },
  }))
  .nullable()
  .transform((tagged) => tagged ?? undefined);

/** Longer than a caller waits for an answer. */
const QUEUE_SOCKET_MS = 2500;
/** It pings each second. */
const EVENTS_SOCKET_MS = 5000;
/** An idle worker's command blocks for up to 10 s. */
const WORKER_SOCKET_MS = 15_000;

/** Milliseconds before the next try to connect. */
const retryStrategy = (tries: number): number => Math.min(tries * 100, 1000);

/**
 * @param fair whether callers take turns
 * @throws StartError that names QUEUE_URL, when the URL can't be read
 */
export function createRedisBackend(url: string, logger: Logger, fair = false): QueueBackend {
  let onTrouble: (() => void) | undefined;
  const trouble = (error: Error): void => {
    logger.debug({ err: error }, 'a connection to Redis failed');
    onTrouble?.();
  };
  const clients: RedisClient[] = [];
  const open = (options: Omit<RedisClientOptions, 'retryStrategy' | 'connectTimeout'>) => {
    const client = createRedisClient(url, { retryStrategy, connectTimeout: 2000, ...options });
    client.on('error', trouble);
    clients.push(client);
    return client;
  };
  // A command that was reported as failed is never sent later: the client queues nothing and resends nothing.
  const client = open({
    socketTimeout: QUEUE_SOCKET_MS,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  });
  let workerClient: RedisClient | undefined;
  let events: RedisEvents | undefined;
  /** BullMQ's check fails for users who may not read the version of Redis. */
  let skipVersionCheck = false;
  const clocks = new Map<string, StoreClock>();
  const clockOf = (type: string): StoreClock => {
    const clock =
      clocks.get(type) ??
      createStoreClock(async () => Number(await runScript(client, SCRIPTS.readTime, prefixOf(type))));
    clocks.set(type, clock);
    return clock;
  };
  client.on('ready', () => {
    for (const clock of clocks.values()) clock.forget();
  });

  /** Reads the first of these jobs, up to the one with which their results have more than this many bytes. */
  const readSome = async (type: string, ids: readonly string[], maxBytes: number) =>
    toRecords(type, ids, await runScript(client, SCRIPTS.readJobs, prefixOf(type), maxBytes, ...ids));

  const readRecords = async (type: string, ids: readonly string[]): Promise<(JobRecord | undefined)[]> => {
    const records: (JobRecord | undefined)[] = [];
    while (records.length < ids.length) {
      records.push(...(await readSome(type, ids.slice(records.length), MAX_READ_BYTES)));
    }
    return records;
  };

  const cancelJob = (type: string, id: string, onlyMarked: boolean, deadline: number): Promise<unknown> => {
    const args = [id, Date.now(), CANCELED, onlyMarked ? 1 : 0];
    return clockOf(type).within(deadline, (storeDeadline) =>
      runScript(client, SCRIPTS.cancelJob, prefixOf(type), ...args, storeDeadline),
    );
  };

  const retryJob = (type: string, id: string, attempts: number, deadline: number): Promise<unknown> => {
    const progress = JSON.stringify({ percentComplete: 0, message: null, at: Date.now() } satisfies JobProgress);
    return clockOf(type).within(deadline, (storeDeadline) =>
      runScript(client, SCRIPTS.retryJob, prefixOf(type), id, attempts, progress, storeDeadline),
    );
  };

  return {
    description: `Redis (${describeUrl(url)})`,
    exclusive: false,
    onTrouble: (listener) => void (onTrouble = listener),
    async connect() {
      await connectClient(client);
      skipVersionCheck = !(await checkRedis(client, PREFIX, logger));
    },
    createQueue: (type) =>
      createRedisQueue({
        client,
        clock: clockOf(type),
        type,
        prefix: PREFIX,
        queueName: queueName(type),
        skipVersionCheck,
        fair,
        onError: trouble,
      }),
    async createWorker(type, processor, options) {
      // A worker's commands wait for Redis to come back.
      workerClient ??= open({ maxRetriesPerRequest: null, socketTimeout: WORKER_SOCKET_MS });
      const redis = {
        client: workerClient,
        prefix: PREFIX,
        queueName: queueName(type),
        skipVersionCheck,
        onError: (error: Error) => onWorkerError(error, logger, trouble),
      };
      return createRedisWorker(redis, processor, options);
    },
    async createEvents(type, listener, onBegin) {
      events ??= createRedisEvents(open({ maxRetriesPerRequest: null, socketTimeout: EVENTS_SOCKET_MS }), trouble);
      return events.open({ prefix: prefixOf(type), type, listener, onBegin });
    },
    readRecords,
    readSome,
    async countTagged(type, tag, caller) {
      const reply = await runScript(client, SCRIPTS.countTagged, prefixOf(type), tag, caller ?? '', CANCELED);
      return taggedSchema.parse(reply);
    },
    async readData(type, id) {
      const data = await client.hget(prefixOf(type) + id, 'data');
      return data === null ? undefined : JSON.parse(data);
    },
    readOutput: (type, id, after) => readOutput(client, type, id, after),
    storeOutput: (type, id, run, pieces) => storeOutput(client, type, id, run, pieces),
    list(query, deadline) {
      const types = query.types.map((type) => ({
        type,
        prefix: prefixOf(type),
        readAll: (ids: readonly string[]) => readRecords(type, ids),
        readSome: (ids: readonly string[], maxBytes: number) => readSome(type, ids, maxBytes),
      }));
      return listJobs(client, types, query, deadline);
    },
    async cancel(type, id, { onlyMarked, deadline }) {
      const reply = await cancelJob(type, id, onlyMarked, deadline);
      return reply === null ? undefined : toRecords(type, [id], [reply])[0];
    },
    // The commands of one turn are sent together, and Redis takes others between them.
    async cancelAll(type, ids, deadline) {
      const replies = await Promise.all(ids.map((id) => cancelJob(type, id, false, deadline)));
      return replies.filter((reply) => reply !== null).length;
    },
    async readMarked(type, ids) {
      return idsSchema.parse(await runScript(client, SCRIPTS.readMarked, prefixOf(type), CANCELED, ...ids));
    },
    async retry(type, id, { attempts, deadline }) {
      const reply = await retryJob(type, id, attempts, deadline);
      return reply === null ? undefined : toRecords(type, [id], [reply])[0];
    },
    async retryAll(type, ids, { attempts, deadline }) {
      const replies = await Promise.all(ids.map((id) => retryJob(type, id, attempts, deadline)));
      return replies.filter((reply) => reply !== null).length;
    },
    // Sent together; in a cluster each type has its master.
    async expire(types) {
      const ids = await Promise.all(
        types.map((type) => runScript(client, SCRIPTS.expireJobs, prefixOf(type), CANCELED, EXPIRED_AT_ONCE)),
      );
      return ids.flatMap((ofType) => idsSchema.parse(ofType));
    },
    async placeJobs(types) {
      const counts = await Promise.all(
        types.map(async (type) => Number(await runScript(client, SCRIPTS.placeJobs, prefixOf(type), PLACED_AT_ONCE))),
      );
      return Math.max(0, ...counts);
    },
    async takeSlot(type, id, { token, most }) {
      return slotSchema.parse(await runScript(client, SCRIPTS.takeSlot, prefixOf(type), id, token, most));
    },
    async freeSlots(type, most, left = '') {
      await runScript(client, SCRIPTS.freeSlots, prefixOf(type), most, CALLERS_AT_ONCE, left);
    },
    async begin(type, id, token) {
      const args = [CANCELED, 1, id, token];
      return idsSchema.parse(await runScript(client, SCRIPTS.expireJobs, prefixOf(type), ...args)).length === 0;
    },
    async removeFinished(type, until, retentionMs = Number.MAX_SAFE_INTEGER) {
      const args = [until, REMOVED_AT_ONCE, retentionMs];
      return Number(await runScript(client, SCRIPTS.removeFinished, prefixOf(type), ...args));
    },
    async completeIndex(types, isClosed) {
      for (const type of types) await completeIndex(client, prefixOf(type), isClosed);
    },
    clockOf,
    async addTypes(types) {
      if (types.length > 0) await client.sadd(TYPES_KEY, ...types);
      return client.smembers(TYPES_KEY);
    },
    async countJobs(type) {
      const { waiting, finished } = await countJobs(client, prefixOf(type));
      return { waiting, finished };
    },
    readTypeState: (type) => readTypeState(client, type),
    async addEnds(type, { succeeded, failed }) {
      await runScript(client, SCRIPTS.addEnds, prefixOf(type), succeeded, failed);
    },
    async readPace(type) {
      const [waiting, paused, times, firstWaiting, isFair] = paceSchema.parse(
        await runScript(client, SCRIPTS.readPace, prefixOf(type), PACE_SAMPLE, FIRST_WAITING),
      );
      const runs = times.map(([startedAt, finishedAt]) => ({ startedAt, finishedAt }));
      return toPace(runs, waiting, paused === 1, firstWaiting, isFair === 1);
    },
    // Sent together; in a cluster each type has its master.
    readLoads: (types) =>
      Promise.all(
        types.map(async (type) => {
          const reply = await runScript(client, SCRIPTS.readLoad, prefixOf(type));
          const [waiting, delayed, running, firsts] = loadSchema.parse(reply);
          return toLoad({ type, waiting, delayed, running }, firsts, clockOf(type).now());
        }),
      ),
    async readDepth(type, max) {
      return Math.min(Number(await runScript(client, SCRIPTS.readDepth, prefixOf(type))), max);
    },
    async readCallerDepth(type, caller, max) {
      return Math.min(Number(await runScript(client, SCRIPTS.readCallerDepth, prefixOf(type), caller)), max);
    },
    async readSecret(own) {
      return (await client.set(SECRET_KEY, own, 'NX', 'GET')) ?? own;
    },
    createRequestCounter: (options) => new RateLimiterRedis({ ...options, storeClient: client }),
    deliveries: createRedisDeliveries(client),
    readStored: (type, from) => readStoredJobs(client, type, from),
    addStored: (type, jobs) => addStoredJobs(client, type, jobs),
    addOutput: (type, id, pieces) => addOutput(client, type, id, pieces),
    countUsers: () => countUsers(client),
    async ping() {
      // Both kinds of client have it.
      await client.call('PING');
    },
    async tryWrite() {
      // In a cluster each type has its master.
      const types = client instanceof Cluster ? [...clocks.keys()] : [''];
      await Promise.all(types.map((type) => client.set(`${WRITTEN_KEY}:${queueName(type)}`, '1', 'PX', WRITTEN_MS)));
    },
    async close() {
      for (const each of clients) each.disconnect();
    },
  };
}

/** Errors of Redis that no retry solves. */
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
  // A failed try also emits an error event, and is repeated.
  if (client.status === 'wait') client.connect().catch(() => undefined);
  try {
    await promise;
    // ioredis becomes ready even if it could not select the database, and would then use another one.
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
