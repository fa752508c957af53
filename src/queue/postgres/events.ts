import { z } from 'zod';
import type { Logger } from '../../core/ports.ts';
import type { EventListener } from '../backend.ts';
import { EVENT_NAMES, toJobEvent } from '../queue-events.ts';
import { STATEMENTS, type Statement } from './statements.ts';

/** Milliseconds between two checks for missed events, while events arrive. */
const CHECK_MS = 100;
/** An event whose transaction ends more than so many milliseconds after the event was written is missed. */
const LATE_MS = 1000;

const missedSchema = z.array(
  z.object({
    id: z.number(),
    event: z.enum(EVENT_NAMES),
    jobId: z.string(),
    data: z
      .string()
      .nullable()
      .transform((json): unknown => (json === null ? undefined : JSON.parse(json))),
  }),
);

export interface MissedEventsOptions {
  readonly type: string;
  /** The last event before the first that counts. */
  readonly lastEventId: string;
  readonly listener: EventListener;
  readonly logger: Logger;
  run(statement: Statement, parameters: unknown[]): Promise<readonly unknown[]>;
}

/** Publishes the events that BullMQ passes over. */
export interface MissedEvents {
  /** @returns whether the event is new: false if it was published as a missed one */
  received(eventId: string): boolean;
  close(): void;
}

/**
 * BullMQ reads events in the order of their ids, each after the last one it has read. An event gets its id before its transaction
 * ends, so when two jobs end at the same time, BullMQ may pass one of them over: some of a hundred on a busy server. Also, not every
 * one of several concurrent transactions wakes its reader. So recent events are read again, except those that were received.
 */
export function createMissedEvents(options: MissedEventsOptions): MissedEvents {
  const { type, lastEventId, listener, logger, run } = options;
  /** When each event was received, by its id. */
  const receivedAt = new Map<number, number>();
  let settled = Number(lastEventId);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const receive = (id: number): boolean => {
    if (receivedAt.has(id)) return false;
    receivedAt.set(id, performance.now());
    if (!closed) timer ??= setTimeout(() => void check(), CHECK_MS);
    return true;
  };

  async function check(): Promise<void> {
    try {
      const rows = await run(STATEMENTS.readMissedEvents, [type, settled, [...receivedAt.keys()], EVENT_NAMES]);
      for (const { id, event, jobId, data } of missedSchema.parse(rows)) {
        // BullMQ may still receive it; the first of the two publishes it.
        const missed = receive(id) ? toJobEvent(event, data) : undefined;
        if (missed !== undefined) listener(jobId, missed);
      }
    } catch (error) {
      logger.debug({ err: error }, 'could not check for missed events');
    }
    const late = performance.now() - LATE_MS;
    for (const [id, at] of receivedAt) {
      if (at > late) continue;
      receivedAt.delete(id);
      settled = Math.max(settled, id);
    }
    timer = receivedAt.size === 0 || closed ? undefined : setTimeout(() => void check(), CHECK_MS);
  }

  return {
    received: (eventId) => receive(Number(eventId)),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
