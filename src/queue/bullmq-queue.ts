import { z } from 'zod';
import { withDeadline } from '../core/deadline.ts';
import { ServiceError } from '../core/errors.ts';
import type { JobQueue, Logger } from '../core/ports.ts';
import type { BullmqProducer, QueueBackend } from './backend.ts';
import { toJob } from './job-record.ts';

/** A caller waits no longer for the store; with what else a request takes, it has its answer within 2 s. */
const DEADLINE_MS = 1500;
const RETRY_AFTER_SECONDS = 1;

const dataSchema = z.object({ input: z.unknown() });

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
  const retention = { age: retentionSeconds };

  /** Gives every failure of the store its one meaning for callers. */
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      if (producers.size === 0) throw new Error('not connected yet');
      return await withDeadline(call(), DEADLINE_MS);
    } catch (error) {
      logger.warn({ err: error }, 'the queue did not answer');
      throw new ServiceError('queue-unavailable', 'The queue cannot be reached at the moment; try again soon.', {
        retryAfter: RETRY_AFTER_SECONDS,
        cause: error,
      });
    }
  };

  return {
    async open() {
      const opened = types.map((type) => [type, backend.createProducer(type)] as const);
      try {
        // BullMQ remembers a first connection that failed, and such a producer never recovers.
        await Promise.all(opened.map(([, producer]) => producer.waitUntilReady()));
      } catch (error) {
        await Promise.allSettled(opened.map(([, producer]) => producer.close()));
        throw error;
      }
      for (const [type, producer] of opened) producers.set(type, producer);
    },
    add: (job) =>
      ask(async () => {
        const { id, type, input, requestId, createdAt, maxAttempts, backoffMs } = job;
        const producer = producers.get(type);
        if (producer === undefined) throw new Error(`there is no queue for ${type}`);
        await producer.add(
          type,
          { input, requestId },
          {
            jobId: id,
            timestamp: createdAt.getTime(),
            attempts: maxAttempts,
            backoff: { type: 'exponential', delay: backoffMs, jitter: 0.5 },
            removeOnComplete: retention,
            removeOnFail: retention,
            stackTraceLimit: 0,
          },
        );
        return {
          id,
          type,
          status: 'Pending',
          percentComplete: 0,
          message: null,
          attempt: 0,
          maxAttempts,
          createdAt,
          lastUpdatedAt: createdAt,
          startedAt: null,
        };
      }),
    read: (id, type) =>
      ask(async () => {
        const record = await backend.readRecord(type, id);
        return record && toJob(id, type, record, retentionSeconds * 1000);
      }),
    readInput: (id, type) => ask(async () => dataSchema.safeParse(await backend.readData(type, id)).data?.input),
    ping: () => ask(() => backend.ping()),
    async close() {
      await Promise.all([...producers.values()].map((producer) => producer.close()));
    },
  };
}
