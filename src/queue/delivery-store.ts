/** core's deliveries of webhooks, on what each store keeps of them. */
import { z } from 'zod';
import { withDeadline } from '../core/deadline.ts';
import { QUEUE_UNAVAILABLE, ServiceError } from '../core/errors.ts';
import type { DoneJob, Job } from '../core/job.ts';
import type { Logger } from '../core/ports.ts';
import {
  type Delivery,
  type DeliveryStore,
  type DueDelivery,
  MAX_ATTEMPTS,
  type Rotations,
  deliveryErrorSchema,
  deliveryIdOf,
  deliveryStatusSchema,
  endOfDelivery,
  eventOf,
  requireDone,
} from '../core/webhook/delivery.ts';
import type { QueueBackend } from './backend.ts';
import { isUnanswered } from './circuit.ts';
import type { KeptDelivery, TakenDelivery } from './delivery-backend.ts';
import { type JobRecord, toJob } from './job-record.ts';
import { receiverOf } from './job-submission.ts';
import { fromMetadata } from './job-trace.ts';

/**
 * For how long a process has a delivery that it took, in milliseconds: for an attempt, and for a store that is unavailable when it ends. After
 * that another one attempts it, since the process may have been killed.
 */
const LEASE_MS = 30_000;
/** The longest wait for the store, in milliseconds: with the rest of a request, its caller has an answer within 2 s. */
const DEADLINE_MS = 1500;
const RETRY_AFTER_SECONDS = 1;
/** How often a redelivery is tried while the delivery changes meanwhile. */
const MAX_TRIES = 3;

/** What came of a delivery so far. Times are milliseconds since 1970. */
const stateSchema = z.object({
  status: deliveryStatusSchema,
  /** Attempts since the first, or since it was asked for again. */
  tries: z.number(),
  attempts: z.array(
    z.object({
      at: z.number(),
      ms: z.number(),
      code: z.number().nullable(),
      error: deliveryErrorSchema.nullable(),
    }),
  ),
});
type State = z.output<typeof stateSchema>;
const NEW: State = { status: 'Pending', tries: 0, attempts: [] };

const rotationsSchema = z.object({ count: z.number(), times: z.array(z.number().transform((at) => new Date(at))) });

const toState = (json: string): State => (json === '' ? NEW : stateSchema.parse(JSON.parse(json)));

export interface DeliveryStoreOptions {
  readonly backend: QueueBackend;
  /** Names of the job types, also of those whose files are gone. */
  types(): readonly string[];
  readonly retentionSeconds: number;
  readonly logger: Logger;
}

/** @throws ServiceError `queue-unavailable` */
async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await withDeadline(answer, DEADLINE_MS);
  } catch (cause) {
    if (!isUnanswered(cause)) throw cause;
    throw new ServiceError('queue-unavailable', QUEUE_UNAVAILABLE, { retryAfter: RETRY_AFTER_SECONDS, cause });
  }
}

export function createDeliveryStore({ backend, types, retentionSeconds, logger }: DeliveryStoreOptions): DeliveryStore {
  const { deliveries } = backend;
  const retentionMs = retentionSeconds * 1000;

  /** The job as an end left it. One that succeeded is as it was. */
  function jobAt(endedAt: number, ended: JobRecord | undefined, now: JobRecord): DoneJob | undefined {
    const record = ended ?? now;
    return record.finishedAt === endedAt ? requireDone(toJob(record, retentionMs)) : undefined;
  }

  async function toDue(taken: TakenDelivery): Promise<DueDelivery | undefined> {
    const { type, jobId, endedAt, receiver } = taken;
    const [record] = await ask(backend.readRecords(type, [jobId]));
    const job = record && jobAt(endedAt, taken.ended, record);
    const webhook = job?.options?.webhook;
    // What is not kept any more is not sent any more.
    if (!job || !webhook || job.expiresAt.getTime() <= backend.clockOf(type).now()) {
      await ask(deliveries.settle(taken, taken.state, undefined));
      return undefined;
    }
    const before = toState(taken.state);
    return {
      id: deliveryIdOf(jobId, endedAt),
      job,
      webhook,
      receiver,
      tries: before.tries,
      trace: fromMetadata(record?.trace),
      async settle(attempt, next) {
        if (attempt === undefined) {
          await ask(deliveries.settle(taken, taken.state, typeof next === 'number' ? next : undefined));
          return;
        }
        const { at, durationMs, statusCode, error } = attempt;
        const state: State = {
          status: typeof next === 'number' ? 'Pending' : next,
          tries: before.tries + 1,
          attempts: [...before.attempts, { at: at.getTime(), ms: durationMs, code: statusCode, error }].slice(
            -MAX_ATTEMPTS,
          ),
        };
        const waitMs = typeof next === 'number' ? next : undefined;
        if (!(await ask(deliveries.settle(taken, JSON.stringify(state), waitMs))))
          logger.debug({ jobId }, 'another process attempted a delivery too, or its job is gone');
      },
    };
  }

  function toDelivery(job: Job, { endedAt, state: json, ended, dueAt }: KeptDelivery): Delivery {
    const state = toState(json);
    return {
      id: deliveryIdOf(job.id, endedAt),
      event: eventOf(ended === undefined ? { status: 'Succeeded' } : requireDone(toJob(ended, retentionMs))),
      status: state.status,
      url: job.options?.webhook?.url ?? '',
      createdAt: new Date(endedAt),
      nextAttemptAt: dueAt === null || state.status !== 'Pending' ? null : new Date(dueAt),
      attempts: state.attempts.map(({ at, ms, code, error }) => ({
        at: new Date(at),
        durationMs: ms,
        statusCode: code,
        error,
      })),
    };
  }

  return {
    async take({ most, perReceiver, perCaller, busy }) {
      const taken = await ask(deliveries.take(types(), { most, perReceiver, perCaller, busy, leaseMs: LEASE_MS }));
      const due = await Promise.all(taken.map(toDue));
      return due.filter((delivery) => delivery !== undefined);
    },
    async read(job) {
      const kept = await ask(deliveries.read(placeOf(job)));
      return kept.map((delivery) => toDelivery(job, delivery)).toReversed();
    },
    async redeliver(job, deliveryId) {
      const endedAt = endOfDelivery(job.id, deliveryId);
      const place = placeOf(job);
      for (let tries = 1; ; tries += 1) {
        const kept = (await ask(deliveries.read(place))).find((each) => each.endedAt === endedAt);
        if (kept === undefined || endedAt === undefined) return undefined;
        const state: State = { ...toState(kept.state), status: 'Pending', tries: 0 };
        const isDue = await ask(deliveries.redeliver({ ...place, endedAt }, kept.state, JSON.stringify(state)));
        // A process is attempting it, or has just done so.
        if (isDue || tries === MAX_TRIES)
          return toDelivery(job, isDue ? { ...kept, state: JSON.stringify(state), dueAt: Date.now() } : kept);
      }
    },
    async readRotations(caller): Promise<Rotations> {
      const json = await ask(deliveries.readRotations(caller));
      return json === undefined ? { count: 0, times: [] } : rotationsSchema.parse(JSON.parse(json));
    },
    async storeRotations(caller, { count, times }) {
      const json = JSON.stringify({ count, times: times.map((at) => at.getTime()) });
      await ask(deliveries.storeRotations(caller, json));
    },
  };
}

function placeOf({ id, type, caller, options }: Job) {
  return { type, jobId: id, caller, receiver: options?.webhook === undefined ? '' : receiverOf(options.webhook) };
}
