import type { IQueueBackend, QueueEvents, QueueEventsListener } from 'bullmq';
import type { BackendEvents, BackendFeed, StoreEvent } from './backend.ts';
import { progressSchema } from './job-record.ts';

/** How long a read of events blocks, in milliseconds. It bounds the delay after a missed wake-up or a lost connection. */
export const BLOCKING_MS = 1000;

const WAITING: StoreEvent = { kind: 'waiting' };
const FINISHED: StoreEvent = { kind: 'finished' };

/** BullMQ's events, apart from progress, and one of ours, in core's terms. */
const EVENTS = {
  active: { kind: 'started' },
  waiting: WAITING,
  delayed: WAITING,
  stalled: WAITING,
  completed: FINISHED,
  failed: FINISHED,
  cancelRequested: { kind: 'cancelRequested' },
} as const satisfies Record<string, StoreEvent>;

/** The events that are used. */
export const EVENT_NAMES = [
  'progress',
  'active',
  'waiting',
  'delayed',
  'stalled',
  'completed',
  'failed',
  'cancelRequested',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/**
 * Translates one of BullMQ's events.
 * @param data the progress that a worker stored
 * @returns undefined for progress in another form, as other programs may store it
 */
export function toJobEvent(name: EventName, data: unknown): StoreEvent | undefined {
  if (name !== 'progress') return EVENTS[name];
  const progress = progressSchema.safeParse(data).data;
  return progress && { ...progress, kind: 'progress', at: new Date(progress.at) };
}

/** @param eventId the id that the store gave the event */
export type QueueEventListener = (jobId: string, event: StoreEvent, eventId: string) => void;

/** BullMQ passes on events with any name. */
interface OwnEvents extends QueueEventsListener<unknown> {
  cancelRequested: (published: { jobId: string }, id: string) => void;
}

/** Runs BullMQ's `QueueEvents`, made with `autorun: false`, and passes on its events. */
export function runQueueEvents<Backend extends IQueueBackend, Connection>(
  queueEvents: QueueEvents<unknown, Backend, Connection>,
  listener: QueueEventListener,
  onError: (error: Error) => void,
): BackendEvents {
  queueEvents.on('error', onError);
  for (const name of EVENT_NAMES) {
    queueEvents.on<OwnEvents>(name, (published: { jobId: string; data?: unknown }, eventId: string) => {
      const event = toJobEvent(name, published.data);
      if (event !== undefined) listener(published.jobId, event, eventId);
    });
  }
  queueEvents.run().catch(onError);
  const always: BackendFeed = { resume: async () => undefined, pause: () => undefined };
  return { ...always, additions: always, close: () => queueEvents.close() };
}
