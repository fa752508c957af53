import { setTimeout as delay } from 'node:timers/promises';
import type { BullmqEvents, EventListener } from './backend.ts';
import { toEndedRecord } from './redis-record.ts';
import { endOfTurn } from './end-of-turn.ts';
import { BLOCKING_MS, EVENT_NAMES, type EventName, toJobEvent } from './queue-events.ts';
import type { RedisClient } from './redis-client.ts';

/** Events that are read at a time. */
const MAX_EVENTS = 1000;
/** Where many listen for a moment each, nothing is lost between two of them for so many milliseconds: the stream keeps more than comes. */
const MAX_GAP_MS = 50;
/** Milliseconds between two tries to read. */
const RETRY_MS = 500;

export interface RedisEventsOptions {
  /** A connection of its own: a reader blocks it. */
  readonly client: RedisClient;
  readonly type: string;
  /** Of BullMQ's stream of events. */
  readonly key: string;
  readonly listener: EventListener;
  /** Told when it begins to read: what was before that, nobody has heard of. */
  onBegin(): void;
  onError(error: Error): void;
}

/**
 * Reads BullMQ's events of a queue, as long as somebody listens: each job has several, and most have no listener in this process.
 * BullMQ's own `QueueEvents` reads them all, which takes a good part of what a submission costs.
 */
export function createRedisEvents({ client, type, key, listener, onBegin, onError }: RedisEventsOptions): BullmqEvents {
  let wanted = false;
  let running: Promise<void> | undefined;
  let closed = false;

  /** The id of the last event that was read, and when. */
  let last: { readonly id: string; readonly at: number } | undefined;

  async function readLastId(): Promise<string> {
    const [last] = await client.xrevrange(key, '+', '-', 'COUNT', 1);
    return last?.[0] ?? '0-0';
  }

  /** @returns the id of the last event */
  async function readAfter(id: string): Promise<string> {
    const streams = await client.xread('COUNT', MAX_EVENTS, 'BLOCK', BLOCKING_MS, 'STREAMS', key, id);
    const entries = streams?.[0]?.[1] ?? [];
    for (const [, fields] of entries) tell(type, fields, listener);
    // What came of them goes out first: the next question to Redis costs as much as a reply.
    if (entries.length > 0) await endOfTurn();
    return entries.at(-1)?.[0] ?? id;
  }

  async function run(): Promise<void> {
    if (last !== undefined && performance.now() - last.at > MAX_GAP_MS) last = undefined;
    while (wanted && !closed) {
      try {
        if (last === undefined) {
          last = { id: await readLastId(), at: performance.now() };
          onBegin();
        }
        const id = await readAfter(last.id);
        last = { id, at: performance.now() };
      } catch (error) {
        if (closed) return;
        onError(error instanceof Error ? error : new Error(String(error)));
        await delay(RETRY_MS);
      }
    }
  }

  function start(): void {
    running ??= run().finally(() => {
      running = undefined;
      // Somebody came when it had just looked.
      if (wanted && !closed) start();
    });
  }

  return {
    resume() {
      wanted = true;
      start();
    },
    pause() {
      wanted = false;
    },
    async close() {
      closed = true;
      client.disconnect();
      await running;
    },
  };
}

const NAMES: ReadonlySet<string> = new Set(EVENT_NAMES);
const isEventName = (name: string): name is EventName => NAMES.has(name);

/** @param fields `event`, `jobId` and others, each with its value behind it */
function tell(type: string, fields: readonly string[], listener: EventListener): void {
  const [, name = '', , id = ''] = fields;
  if (!isEventName(name)) return;
  if (name === 'completed')
    return listener(id, { kind: 'finished', toRecord: () => toEndedRecord(type, id, toMap(fields)) });
  const data = name === 'progress' ? toMap(fields).get('data') : undefined;
  const event = toJobEvent(name, data === undefined ? undefined : JSON.parse(data));
  if (event !== undefined) listener(id, event);
}

function toMap(fields: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) map.set(fields[at] ?? '', fields[at + 1] ?? '');
  return map;
}
