import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ServiceError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { JobQueue, Logger, NewJob } from '../core/ports.ts';
import type { BullmqProducer, QueueBackend } from './backend.ts';
import { createCircuit, isUnanswered } from './circuit.ts';
import { isConnectionLost } from './connection-error.ts';
import { type JobData, type JobRecord, toJob } from './job-record.ts';
import { removeExpired } from './retention.ts';
import { keepSecret } from './store-secret.ts';

/** A caller waits no longer for the store; with what else a request takes, it has its answer within 2 s. */
const DEADLINE_MS = 1500;
/** Of that time the store's answer has so much for itself: a store that is late does nothing, rather than what was refused. */
const REPLY_MS = 250;
const RETRY_AFTER_SECONDS = 1;
/** A connection that ended is looked for again so often, in milliseconds. */
const RECONNECT_MS = 100;
/** A job may expire, and be removed, between its addition and its read. */
const MAX_TRIES = 5;
/** Attempts that a job's history keeps. */
const HISTORY_LENGTH = 20;

const dataSchema = z.object({
  input: z.unknown(),
  fingerprint: z.string().optional(),
  addition: z.string().optional(),
});

export interface BullmqQueueOptions {
  readonly backend: QueueBackend;
  /** Names of the job types. */
  readonly types: readonly string[];
  readonly retentionSeconds: number;
  readonly logger: Logger;
}

export interface BullmqQueue extends JobQueue {
  /** Starts to use the store, which is connected. Until this resolves each call is refused. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** core's queue on BullMQ: one queue for each job type, so that a slow type never starves a quick one. */
export function createBullmqQueue({ backend, types, retentionSeconds, logger }: BullmqQueueOptions): BullmqQueue {
  const producers = new Map<string, BullmqProducer>();
  const retentionMs = retentionSeconds * 1000;
  const circuit = createCircuit({ ping: () => backend.ping(), logger });
  const secret = keepSecret(backend.readSecret);
  backend.onTrouble(circuit.suspect);

  /**
   * Gives every failure of the store its one meaning for callers; what else goes wrong is a mistake of ours.
   * @param call is given the time, of `performance.now()`, after which the store shall do nothing more for it
   */
  const ask = async <T>(call: (deadline: number) => Promise<T>): Promise<T> => {
    if (producers.size === 0) throw unavailable();
    try {
      const deadline = performance.now() + DEADLINE_MS - REPLY_MS;
      return await circuit.call(() => call(deadline), DEADLINE_MS);
    } catch (error) {
      throw isUnanswered(error) ? unavailable(error) : error;
    }
  };

  async function add(job: NewJob, deadline: number, keyed?: Pick<JobData, 'fingerprint' | 'addition'>): Promise<void> {
    const { id, type, caller, input, requestId, createdAt, maxAttempts } = job;
    const producer = producers.get(type);
    if (producer === undefined) throw new Error(`there is no queue for ${type}`);
    const options = {
      jobId: id,
      timestamp: createdAt.getTime(),
      attempts: maxAttempts,
      // The workers know how long.
      backoff: { type: 'custom' },
      stackTraceLimit: HISTORY_LENGTH,
    };
    await untilHeard(() => producer.add(caller, { input, requestId, ...keyed }, options, deadline), deadline);
  }

  async function read(id: string, type: string): Promise<Job | undefined> {
    const record = await backend.readRecord(type, id);
    return record && toJob(record, retentionMs);
  }

  const isExpired = ({ finishedAt }: JobRecord): boolean =>
    finishedAt !== null && finishedAt + retentionMs <= Date.now();

  return {
    async open() {
      const opened = types.map((type) => [type, backend.createProducer(type)] as const);
      try {
        // BullMQ remembers a first connection that failed, and such a producer never recovers.
        await Promise.all(opened.map(([, producer]) => producer.waitUntilReady()));
        await secret.load();
      } catch (error) {
        await Promise.allSettled(opened.map(([, producer]) => producer.close()));
        throw error;
      }
      for (const [type, producer] of opened) producers.set(type, producer);
    },
    add: (job) =>
      ask(async (deadline) => {
        await add(job, deadline);
        return toPending(job);
      }),
    addOnce: (job) =>
      ask(async (deadline) => {
        const { id, type, fingerprint } = job;
        const addition = randomUUID();
        for (let tries = 0; tries < MAX_TRIES; tries += 1) {
          await add(job, deadline, { fingerprint, addition });
          const record = await backend.readRecord(type, id);
          // The key lives as long as the job, which nobody can read any more.
          if (record !== undefined && isExpired(record)) await removeExpired(backend, type, retentionMs);
          else if (record !== undefined) {
            const data = dataSchema.safeParse(await backend.readData(type, id)).data;
            if (data !== undefined) {
              const { addition: made, fingerprint: ofInput } = data;
              return { job: toJob(record, retentionMs), replayed: made !== addition, fingerprint: ofInput };
            }
          }
        }
        throw new Error(`the job ${id} was added and is not there`);
      }),
    read: (id, type) => ask(() => read(id, type)),
    readInput: (id, type) => ask(async () => dataSchema.safeParse(await backend.readData(type, id)).data?.input),
    cancel: ({ id, type }) => ask((deadline) => backend.cancel(type, id, { onlyMarked: false, deadline })),
    retry: ({ id, type }, attempts) => ask((deadline) => backend.retry(type, id, { attempts, deadline })),
    list: (query) => ask(async () => (await backend.list(query)).map((record) => toJob(record, retentionMs))),
    readPace: (type) => ask(() => backend.readPace(type)),
    readDepth: (type, max) => ask(() => backend.readDepth(type, max)),
    async readSecret() {
      if (producers.size === 0) throw unavailable();
      return secret.current();
    },
    ping: () => ask(() => backend.ping()),
    async close() {
      circuit.close();
      await Promise.all([...producers.values()].map((producer) => producer.close()));
    },
  };
}

/**
 * Does a write again whose connection ended before the answer came, which may have been done: a job that was added would be refused, and
 * run. The queue takes an id only once.
 */
async function untilHeard(write: () => Promise<void>, deadline: number): Promise<void> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isConnectionLost(error) || performance.now() + RECONNECT_MS > deadline) throw error;
      await delay(RECONNECT_MS);
    }
  }
}

function unavailable(cause?: unknown): ServiceError {
  return new ServiceError('queue-unavailable', 'The queue cannot be reached at the moment; try again soon.', {
    retryAfter: RETRY_AFTER_SECONDS,
    cause,
  });
}

function toPending({ id, type, caller, createdAt, maxAttempts }: NewJob): Job {
  return {
    id,
    type,
    caller,
    status: 'Pending',
    percentComplete: 0,
    message: null,
    attempt: 0,
    maxAttempts,
    createdAt,
    lastUpdatedAt: createdAt,
    startedAt: null,
    history: [],
  };
}
