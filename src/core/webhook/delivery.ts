/** Webhooks: telling a receiver of the caller's choice how a job ended. Each end of a job is one delivery, which takes one attempt or more. */
import { z } from 'zod';
import { type DoneJob, type Job, type JobStatus, type Webhook, isDone } from '../job.ts';
import type { TraceContext } from '../trace.ts';

/** Of the deliveries of a job, and of the attempts of a delivery, the latest so many are kept. */
export const MAX_DELIVERIES = 20;
export const MAX_ATTEMPTS = 20;

export const EVENTS = ['job.succeeded', 'job.failed', 'job.canceled'] as const;
export type WebhookEvent = (typeof EVENTS)[number];

const EVENT_OF = {
  Succeeded: 'job.succeeded',
  Failed: 'job.failed',
  Canceled: 'job.canceled',
} as const satisfies Partial<Record<JobStatus, WebhookEvent>>;

export function eventOf({ status }: Pick<DoneJob, 'status'>): WebhookEvent {
  return EVENT_OF[status];
}

/** Why an attempt got no status code that counts. */
export const deliveryErrorSchema = z.enum(['TIMEOUT', 'REFUSED_ADDRESS', 'DNS', 'TLS', 'CONNECTION', 'REDIRECT']);
export type DeliveryError = z.output<typeof deliveryErrorSchema>;

export const deliveryStatusSchema = z.enum(['Pending', 'Delivered', 'Failed']).meta({
  id: 'WebhookDeliveryStatus',
  description:
    'Pending until an attempt is answered with 2xx. Failed: the last attempt failed, or the receiver replied 410.',
});

export const deliveryAttemptSchema = z
  .object({
    at: z.date(),
    durationMs: z.int().min(0),
    statusCode: z.int().nullable().describe('Of the reply; null if there was none.'),
    error: deliveryErrorSchema
      .nullable()
      .describe(
        'TIMEOUT: no reply within 15 seconds. REFUSED_ADDRESS: the server does not send to that address. DNS, TLS, CONNECTION: what failed. REDIRECT: the reply was one, which is not followed. Null for any other reply.',
      ),
  })
  .meta({ id: 'WebhookAttempt', description: 'One request to the receiver.' });
export type DeliveryAttempt = Readonly<z.output<typeof deliveryAttemptSchema>>;

export const deliverySchema = z
  .object({
    id: z
      .string()
      .describe('The same in the header `webhook-id` of each attempt, and different for each end of a job.'),
    event: z.enum(EVENTS).describe('The `type` of what is sent.'),
    status: deliveryStatusSchema,
    url: z.url().describe('The `webhook` of the submission.'),
    createdAt: z.date().describe('When the job ended.'),
    nextAttemptAt: z.date().nullable().describe('The time before which it is not sent again; null when it is done.'),
    attempts: z.array(deliveryAttemptSchema).describe(`The latest ${MAX_ATTEMPTS}, oldest first.`),
  })
  .meta({ id: 'WebhookDelivery', description: 'The end of a job, as it is told to the webhook of its submission.' });
export type Delivery = Readonly<z.output<typeof deliverySchema>>;

/** `webhook-id`: letters, digits, `_` and `-`, since a full stop separates it from what is signed with it. */
export function deliveryIdOf(jobId: string, endedAt: number): string {
  return `${jobId}_${endedAt.toString(36)}`;
}

/** When the job ended that a delivery of it tells; undefined for an id that is none of its deliveries'. */
export function endOfDelivery(jobId: string, deliveryId: string): number | undefined {
  const endedAt = deliveryId.startsWith(`${jobId}_`) ? Number.parseInt(deliveryId.slice(jobId.length + 1), 36) : 0;
  return deliveryIdOf(jobId, endedAt) === deliveryId ? endedAt : undefined;
}

/** A delivery that this process may attempt, until its time is over. */
export interface DueDelivery {
  readonly id: string;
  /** The job as the end left it. */
  readonly job: DoneJob;
  readonly webhook: Webhook;
  /** Host and port of the URL. */
  readonly receiver: string;
  /** Attempts since the first, or since it was asked for again. */
  readonly tries: number;
  readonly trace: TraceContext | undefined;
  /**
   * Keeps what came of the attempt.
   * @param attempt undefined: there was none
   * @param next milliseconds until the next one, or how the delivery ended
   */
  settle(attempt: DeliveryAttempt | undefined, next: number | 'Delivered' | 'Failed'): Promise<void>;
}

/** What a process may take. */
export interface DeliveryLimits {
  readonly most: number;
  readonly perReceiver: number;
  readonly perCaller: number;
  /** How many it is attempting, by the caller, and by caller and receiver as `groupOf` joins them. */
  readonly busy: ReadonlyMap<string, number>;
}

/** Callers have no line breaks. */
export function groupOf(caller: string, receiver: string): string {
  return `${caller}\n${receiver}`;
}

/** When a caller's secret was replaced. */
export interface Rotations {
  /** How often. */
  readonly count: number;
  /** The latest times, newest first. */
  readonly times: readonly Date[];
}

/** Where deliveries are kept: with their jobs, and no longer than these. Each call may fail, as those of the queue do. */
export interface DeliveryStore {
  /** Takes deliveries that are due, from as many receivers as possible. */
  take(limits: DeliveryLimits): Promise<readonly DueDelivery[]>;
  /** Those of a job, newest first. */
  read(job: Job): Promise<readonly Delivery[]>;
  /**
   * Makes a delivery due at once, with all its attempts again; one that is being attempted stays as it is.
   * @returns undefined if there is no such delivery
   */
  redeliver(job: Job, deliveryId: string): Promise<Delivery | undefined>;
  readRotations(caller: string): Promise<Rotations>;
  storeRotations(caller: string, rotations: Rotations): Promise<void>;
}

/** @throws TypeError for a job that is not done */
export function requireDone(job: Job): DoneJob {
  if (!isDone(job)) throw new TypeError(`the job ${job.id} has not ended`);
  return job;
}
