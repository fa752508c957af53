import { randomUUID } from 'node:crypto';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { BATCH_TAG_PREFIX, tagOfBatch } from '../core/batch/batch.ts';
import { DeadlineError } from '../core/deadline.ts';
import { QUEUE_UNAVAILABLE, QUEUE_UNCONFIRMED, ServiceError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { QueueMonitor } from '../core/metrics.ts';
import { type JobQueue, type Logger, MAX_LISTED_CHARACTERS, type NewJob, type OutputPage } from '../core/ports.ts';
import { traceIdOf } from '../core/trace.ts';
import type { BackendQueue, QueueBackend } from './backend.ts';
import { createBatch } from './batch.ts';
import { createCircuit, isUnanswered } from './circuit.ts';
import { isConnectionLost, isNotOpen } from '../stores/connection-error.ts';
import { type JobReader, type SucceededJobs, createJobReader } from './job-reader.ts';
import {
  type Addition,
  type AdditionOptions,
  type JobRecord,
  type KeptJob,
  resultCharacters,
  toAddition,
  toJob,
} from './job-record.ts';
import { removeExpired } from './retention.ts';
import { toOutputPage } from './stored-output.ts';
import { keepSecret } from './store-secret.ts';

/** The longest wait for the store, in milliseconds. With the rest of a request, the caller has an answer within 2 s. */
const DEADLINE_MS = 1500;
/** The share of that time for the store's reply. A write that reaches the store later is refused there, since the caller is refused too. */
const REPLY_MS = 250;
const RETRY_AFTER_SECONDS = 1;
/** Milliseconds between two attempts to write after a connection ended. */
const RECONNECT_MS = 100;
/** The most characters of data that one step adds, because the store does nothing else meanwhile. */
const MAX_CHARACTERS = 1_000_000;

/** So many jobs of a batch count as one call that waits for the store. */
const JOBS_OF_A_CALL = 10;

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
  readonly succeeded: SucceededJobs;
  readonly logger: Logger;
}

export interface BullmqQueue extends JobQueue, Omit<QueueMonitor, 'watchers' | 'countWebhooks'> {
  /**
   * Starts to use the connected store. Until this resolves, every call is refused.
   * @param removedTypes names of the types that have jobs but no file any more
   */
  open(removedTypes?: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** One job type's queue. */
interface TypeQueue extends JobReader {
  readonly queue: BackendQueue;
  /** Resolves when the store has the job. */
  add(addition: Addition): Promise<undefined>;
  /** Resolves to the job that has the id, or undefined if the addition created it. */
  addOnce(addition: Addition): Promise<KeptJob | undefined>;
}

/** An unavailable store fails all calls of a batch alike. */
const isShared = (error: unknown): boolean => error instanceof ServiceError;

/** core's queue on BullMQ: one queue for each job type, so that a slow type never starves a fast one. */
export function createBullmqQueue({
  backend,
  types,
  retentionSeconds,
  succeeded,
  logger,
}: BullmqQueueOptions): BullmqQueue {
  const queues = new Map<string, TypeQueue>();
  const retentionMs = retentionSeconds * 1000;
  const circuit = createCircuit({ ping: () => backend.ping(), tryWrite: () => backend.tryWrite(), logger });
  const secret = keepSecret(backend.readSecret);
  backend.onTrouble(circuit.suspect);

  /**
   * Turns every failure of the store into `queue-unavailable`. Any other error is a bug.
   * @param call receives the time of `performance.now()` after which the store must refuse its write
   * @param calls how many callers wait for it
   * @param until the time of `performance.now()` at which the callers give up
   * @param writes whether it changes something
   */
  const ask = async <T>(
    call: (deadline: number) => Promise<T>,
    calls = 1,
    until = performance.now() + DEADLINE_MS,
    writes = false,
  ): Promise<T> => {
    const deadline = until - REPLY_MS;
    const now = performance.now();
    if (queues.size === 0 || now >= deadline) throw unavailable();
    try {
      return await circuit.call(() => call(deadline), until - now, calls, writes);
    } catch (error) {
      throw isUnanswered(error) ? unavailable(error, writes && mayBeDone(error)) : error;
    }
  };

  const change = <T>(call: (deadline: number) => Promise<T>, calls?: number, until?: number): Promise<T> =>
    ask(call, calls, until, true);

  function queueOf(type: string): TypeQueue {
    if (queues.size === 0) throw unavailable();
    const queue = queues.get(type);
    if (queue === undefined) throw new Error(`there is no queue for ${type}`);
    return queue;
  }

  function createTypeQueue(type: string, queue: BackendQueue): TypeQueue {
    const batchOf = <Result>(
      addAll: (additions: readonly Addition[], deadline: number) => Promise<readonly Result[]>,
    ) =>
      createBatch(
        (additions: readonly Addition[]) =>
          change((deadline) => untilAnswered(() => addAll(additions, deadline), deadline), additions.length),
        {
          maxItems: queue.maxAdditions,
          maxSize: MAX_CHARACTERS,
          sizeOf: ({ data }) => data.length,
          isShared,
        },
      );
    return {
      queue,
      add: batchOf(async (additions, deadline) => {
        await queue.add(additions, deadline);
        return additions.map(() => undefined);
      }),
      // A batch of its own: it may have to wait for another process that adds the same job.
      addOnce: batchOf(queue.addOnce),
      ...createJobReader({
        readRecords: (ids) => ask(() => backend.readRecords(type, ids), ids.length),
        isShared,
        retentionMs,
        succeeded,
      }),
    };
  }

  const toOwnAddition = (job: NewJob, queue: BackendQueue, keyed?: AdditionOptions['keyed']): Addition => {
    const priority = queue.bullmqPriority(job.options?.priority ?? 0);
    return toAddition(job, { ...(keyed && { keyed }), priority, retentionMs });
  };

  const retentionOf = (record: JobRecord): number => record.retentionMs ?? retentionMs;
  const isExpired = (record: JobRecord): boolean =>
    record.finishedAt !== null && record.finishedAt + retentionOf(record) <= backend.clockOf(record.type).now();

  /**
   * Where an addition met an expired job, removes that and adds again: a key expires with its job.
   * @param kept the job that the addition met
   * @returns the job that the last addition met; undefined if it added its own
   */
  async function replaceExpired(
    type: string,
    kept: KeptJob | undefined,
    until: number,
    again: () => Promise<KeptJob | undefined>,
  ): Promise<KeptJob | undefined> {
    if (kept === undefined || !isExpired(kept.record)) return kept;
    const ofJob = retentionOf(kept.record);
    await change((deadline) => removeExpired(backend, type, ofJob, () => performance.now() > deadline), 1, until);
    return replaceExpired(type, await again(), until, again);
  }

  const outputReads = new Map<string, Promise<OutputPage | undefined>>();

  /** Those who follow a job are woken together, so that what they read in one turn of the event loop is read once. */
  function readOutput(id: string, type: string, after: number): Promise<OutputPage | undefined> {
    const key = `${id} ${after}`;
    const read = outputReads.get(key) ?? readOutputLater(id, type, after, () => outputReads.delete(key));
    outputReads.set(key, read);
    return read;
  }

  async function readOutputLater(id: string, type: string, after: number, onSend: () => void) {
    await setImmediate();
    onSend();
    const stored = await ask(() => backend.readOutput(type, id, after));
    return stored && toOutputPage(id, type, stored, retentionMs);
  }

  return {
    async open(removedTypes = []) {
      const opened = [...types, ...removedTypes].map((type) => [type, backend.createQueue(type)] as const);
      try {
        // A BullMQ queue whose first connection failed never recovers.
        await Promise.all(opened.map(([, queue]) => queue.waitUntilReady()));
        await secret.load();
        await Promise.all(opened.map(([type]) => backend.clockOf(type).measure()));
      } catch (error) {
        await Promise.allSettled(opened.map(([, queue]) => queue.close()));
        throw error;
      }
      for (const [type, queue] of opened) queues.set(type, createTypeQueue(type, queue));
    },
    has: (type) => queues.has(type),
    removedTypes: () => [...queues.keys()].filter((type) => !types.includes(type)),
    now: (type) => backend.clockOf(type).now(),
    async add(job) {
      succeeded.expect(job.id);
      const { queue, add } = queueOf(job.type);
      await add(toOwnAddition(job, queue));
      return toPending(job);
    },
    async addOnce(job) {
      const { type, fingerprint } = job;
      succeeded.expect(job.id);
      const addition = randomUUID();
      const until = performance.now() + DEADLINE_MS;
      const { queue, addOnce } = queueOf(type);
      const added = toOwnAddition(job, queue, { fingerprint, addition });
      const again = (deadline: number) => untilAnswered(() => queue.addOnce([added], deadline), deadline);
      const kept = await replaceExpired(type, await addOnce(added), until, async () => {
        const [keptAgain] = await change(again, 1, until);
        return keptAgain;
      });
      if (kept === undefined) return { job: toPending(job), replayed: false, fingerprint };
      const { addition: made, fingerprint: ofInput } = dataSchema.parse(kept.data);
      return { job: toJob(kept.record, retentionMs), replayed: made !== addition, fingerprint: ofInput };
    },
    async addBatch(jobs) {
      const [first] = jobs;
      const tag = first?.options?.tags?.find((each) => each.startsWith(BATCH_TAG_PREFIX));
      if (first === undefined || tag === undefined) throw new Error('a batch needs jobs with its tag');
      const { type, fingerprint } = first;
      const addition = randomUUID();
      const { queue } = queueOf(type);
      const until = performance.now() + DEADLINE_MS + jobs.length * queue.batchJobMs;
      const added = jobs.map((job) => toOwnAddition(job, queue, { fingerprint, addition }));
      const addAll = (deadline: number) => untilAnswered(() => queue.addBatch(added, tag, deadline), deadline);
      const add = () => change(addAll, Math.ceil(jobs.length / JOBS_OF_A_CALL), until);
      const kept = await replaceExpired(type, await add(), until, add);
      if (kept === undefined) return { jobs: jobs.map(toPending), replayed: false, fingerprint };
      const { addition: made, fingerprint: ofBatch } = dataSchema.parse(kept.data);
      const replayed = made !== addition;
      return { jobs: replayed ? undefined : jobs.map(toPending), replayed, fingerprint: ofBatch };
    },
    async readBatch(id, type, caller) {
      const found = await ask(() => backend.countTagged(type, tagOfBatch(id), caller));
      return found && { ...found, id, type };
    },
    async readSome(type, ids) {
      const records = await ask(() => backend.readSome(type, ids, MAX_LISTED_CHARACTERS));
      return {
        jobs: records.map((record) => record && toJob(record, retentionMs)),
        resultCharacters: resultCharacters(records.filter((record) => record !== undefined)),
      };
    },
    read: async (id, type) => queueOf(type).read(id),
    readOutput,
    readInput: (id, type) => ask(async () => dataSchema.safeParse(await backend.readData(type, id)).data?.input),
    async cancel({ id, type }) {
      const record = await change((deadline) => backend.cancel(type, id, { onlyMarked: false, deadline }));
      return record && toJob(record, retentionMs);
    },
    async retry({ id, type }, attempts) {
      const record = await change((deadline) => backend.retry(type, id, { attempts, deadline }));
      return record && toJob(record, retentionMs);
    },
    cancelAll: (type, ids) => change((deadline) => backend.cancelAll(type, ids, deadline)),
    retryAll: (type, ids, attempts) => change((deadline) => backend.retryAll(type, ids, { attempts, deadline })),
    async list(query) {
      const { records, hasMore } = await ask((deadline) => backend.list(query, deadline));
      return {
        jobs: records.map((record) => toJob(record, retentionMs)),
        hasMore,
        resultCharacters: resultCharacters(records),
      };
    },
    readLoads: () => ask(() => backend.readLoads(types)),
    outage: circuit.outage,
    readPace: (type) => ask(() => backend.readPace(type)),
    readTypeState: (type) => ask(() => backend.readTypeState(type)),
    pauseType: (type) => change(() => queueOf(type).queue.pause()),
    resumeType: (type) => change(() => queueOf(type).queue.resume()),
    readDepth: (type, max) => ask(() => backend.readDepth(type, max)),
    async readCallerDepth(caller, max) {
      const depths = await ask(() => Promise.all(types.map((type) => backend.readCallerDepth(type, caller, max))));
      return depths.reduce((sum, depth) => Math.min(sum + depth, max), 0);
    },
    async readSecret() {
      if (queues.size === 0) throw unavailable();
      return secret.current();
    },
    ping: () => change(() => backend.tryWrite()),
    async close() {
      circuit.close();
      await Promise.all([...queues.values()].map(({ queue }) => queue.close()));
    },
  };
}

/**
 * Repeats a write whose connection ended before the reply. It may have been done, and then the caller would be refused although the job
 * runs. Repeating it is safe, because the queue takes an id only once.
 */
async function untilAnswered<T>(write: () => Promise<T>, deadline: number): Promise<T> {
  let lost: unknown;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      // A later failure does not say what became of an earlier write.
      if (isConnectionLost(error)) lost ??= error;
      const isOver = performance.now() + RECONNECT_MS > deadline;
      if (isOver || !(isConnectionLost(error) || isNotOpen(error))) throw lost ?? error;
      await delay(RECONNECT_MS);
    }
  }
}

/** Whether the store may have received a write that failed. */
function mayBeDone(error: unknown): boolean {
  return error instanceof DeadlineError || isConnectionLost(error);
}

function unavailable(cause?: unknown, isUnconfirmed = false): ServiceError {
  return new ServiceError('queue-unavailable', isUnconfirmed ? QUEUE_UNCONFIRMED : QUEUE_UNAVAILABLE, {
    retryAfter: RETRY_AFTER_SECONDS,
    cause,
  });
}

function toPending({ id, type, caller, createdAt, maxAttempts, options, trace }: NewJob): Job {
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
    ...(options && { options }),
    traceId: trace && traceIdOf(trace),
    history: [],
  };
}
