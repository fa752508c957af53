import type { IQueueBackend, QueueEvents } from 'bullmq';
import type { BackendEvents, StoreEvent } from './backend.ts';
import { progressSchema } from './job-record.ts';

/** A wake-up that a store did not send is made up for, and a connection that was lost is noticed, in about this time, in milliseconds. */
export const BLOCKING_MS = 1000;

const WAITING: StoreEvent = { kind: 'waiting' };
const FINISHED: StoreEvent = { kind: 'finished' };

/** What BullMQ's events tell, but for those of progress. */
const EVENTS = {
  active: { kind: 'started' },
  waiting: WAITING,
  delayed: WAITING,
  stalled: WAITING,
  completed: FINISHED,
  failed: FINISHED,
} as const satisfies Record<string, StoreEvent>;

/** BullMQ's events that count. */
export const EVENT_NAMES = ['progress', 'active', 'waiting', 'delayed', 'stalled', 'completed', 'failed'] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/**
 * One of BullMQ's events in core's words.
 * @param data what a worker stored, for an event of progress; undefined is returned if it was none of ours
 */
export function toJobEvent(name: EventName, data: unknown): StoreEvent | undefined {
  if (name !== 'progress') return EVENTS[name];
  const progress = progressSchema.safeParse(data).data;
  return progress && { ...progress, kind: 'progress', at: new Date(progress.at) };
}

/** @param eventId of the store's own */
export type QueueEventListener = (jobId: string, event: StoreEvent, eventId: string) => void;

/** Runs BullMQ's `QueueEvents`, made with `autorun: false`, and tells its events in core's words. */
export function runQueueEvents<Backend extends IQueueBackend, Connection>(
  queueEvents: QueueEvents<unknown, Backend, Connection>,
  listener: QueueEventListener,
  onError: (error: Error) => void,
): BackendEvents {
  queueEvents.on('error', onError);
  for (const name of EVENT_NAMES) {
    queueEvents.on(name, (told: { jobId: string; data?: unknown }, eventId: string) => {
      const event = toJobEvent(name, told.data);
      if (event !== undefined) listener(told.jobId, event, eventId);
    });
  }
  queueEvents.run().catch(onError);
  return { resume: () => undefined, pause: () => undefined, close: () => queueEvents.close() };
}
