import { z } from 'zod';
import type { Logger } from '../../core/ports.ts';
import type { EventListener } from '../backend.ts';
import { EVENT_NAMES, toJobEvent } from '../queue-events.ts';

/** How often it is looked for events that were missed, in milliseconds, while there are events. */
const CHECK_MS = 100;
/** A transaction that takes longer from its event to its end, in milliseconds, has its event missed. */
const LATE_MS = 1000;

/** $1 queue, $2 an id, $3 ids heard of, $4 names: later events that were not heard of. */
const READ_MISSED = `
  SELECT id::float8, event, data->>'jobId' AS "jobId", data->>'data' AS data FROM bullmq.event
   WHERE queue = $1 AND id > $2 AND event = ANY($4::text[])
     AND NOT EXISTS (SELECT FROM unnest($3::bigint[]) AS heard(id) WHERE heard.id = event.id)
   ORDER BY event.id`;

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
  query(text: string, parameters: unknown[]): Promise<readonly unknown[]>;
}

/** Hears of the events that BullMQ does not. */
export interface MissedEvents {
  /** @returns whether it is news */
  heard(eventId: string): boolean;
  close(): void;
}

/**
 * BullMQ reads events in the order of their ids, each after the last it has read. An event gets its id before its transaction
 * ends, so that of two jobs that end at a time one may be passed over: some of a hundred on a busy server. Also, of
 * transactions at a time not all wake its reader. So what came of late is read again, less what was heard of.
 */
export function createMissedEvents(options: MissedEventsOptions): MissedEvents {
  const { type, lastEventId, listener, logger, query } = options;
  /** When each was heard of. */
  const heardAt = new Map<number, number>();
  let settled = Number(lastEventId);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const hear = (id: number): boolean => {
    if (heardAt.has(id)) return false;
    heardAt.set(id, performance.now());
    if (!closed) timer ??= setTimeout(() => void check(), CHECK_MS);
    return true;
  };

  async function check(): Promise<void> {
    try {
      const rows = await query(READ_MISSED, [type, settled, [...heardAt.keys()], EVENT_NAMES]);
      for (const { id, event, jobId, data } of missedSchema.parse(rows)) {
        // It may also be that BullMQ has it next; whoever is first tells all of it.
        const told = hear(id) ? toJobEvent(event, data) : undefined;
        if (told !== undefined) listener(jobId, told);
      }
    } catch (error) {
      logger.debug({ err: error }, 'missed events could not be looked for');
    }
    const late = performance.now() - LATE_MS;
    for (const [id, at] of heardAt) {
      if (at > late) continue;
      heardAt.delete(id);
      settled = Math.max(settled, id);
    }
    timer = heardAt.size === 0 || closed ? undefined : setTimeout(() => void check(), CHECK_MS);
  }

  return {
    heard: (eventId) => hear(Number(eventId)),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
