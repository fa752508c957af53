import { setTimeout as delay } from 'node:timers/promises';
import type { BackendEvents, BackendFeed, EventListener, StoreEvent } from '../backend.ts';
import { EVENT_NAMES, type EventName, toJobEvent } from '../queue-events.ts';
import type { RedisClient } from './client.ts';
import { toPublishedRecord } from './record.ts';

/** The names of the channels of a queue, behind the queue's prefix. */
const CHANGES = 'changes';
const ADDITIONS = 'added';

/** A channel stays subscribed for so many milliseconds after its last listener, because many listen for a moment each. */
const LINGER_MS = 5000;
/** Milliseconds between two tries to subscribe. */
const RETRY_MS = 500;
/** How often the connection is checked, because a dead one sends nothing, like an idle one. */
const PING_MS = 1000;

export interface QueueChannels {
  /** What the names of its channels begin with. */
  readonly prefix: string;
  readonly type: string;
  readonly listener: EventListener;
  /** Called after each subscription, the first one and those after a lost connection: earlier changes may have been missed. */
  onBegin(): void;
}

interface Channel extends BackendFeed {
  receive(text: string): void;
  reconnected(): void;
  close(): void;
}

/** Receives what workers and other processes publish, over one connection for all queues. */
export interface RedisEvents {
  open(queue: QueueChannels): BackendEvents;
}

/**
 * Subscribes to a queue's channel while there are listeners, because each job has several changes and most have no listener in this process.
 * BullMQ's stream of events is left to BullMQ's tools: reading it takes a command for each batch of events, and does not bring the job.
 * @param client a connection of its own
 */
export function createRedisEvents(client: RedisClient, onError: (error: Error) => void): RedisEvents {
  const channels = new Map<string, Channel>();
  client.on('message', (name: string, text: string) => channels.get(name)?.receive(text));
  // A cluster emits the second, for the node that it subscribes on.
  for (const connected of ['ready', '+subscriber']) {
    client.on(connected, () => {
      for (const channel of channels.values()) channel.reconnected();
    });
  }

  let pinging: Promise<unknown> | undefined;
  const pings = setInterval(() => {
    if (client.status !== 'ready') return;
    // Without an answer the socket times out, and the client reconnects.
    pinging ??= client
      .call('PING')
      .catch(() => undefined)
      .finally(() => (pinging = undefined));
  }, PING_MS);
  pings.unref();
  client.once('end', () => clearInterval(pings));

  function openChannel(name: string, onMessage: (text: string) => void, onBegin: () => void): Channel {
    let isWanted = false;
    let isSubscribed = false;
    let subscribed: Promise<void> | undefined;
    let leaving: NodeJS.Timeout | undefined;

    async function subscribe(): Promise<void> {
      try {
        await client.subscribe(name);
        isSubscribed = isWanted;
        if (isSubscribed) onBegin();
      } catch (error) {
        onError(toError(error));
        await delay(RETRY_MS, undefined, { ref: false });
        if (isWanted) await subscribe();
      }
    }

    function leave(): void {
      leaving = undefined;
      isWanted = false;
      isSubscribed = false;
      client.unsubscribe(name).catch(onError);
    }

    const channel: Channel = {
      receive(text) {
        try {
          onMessage(text);
        } catch (error) {
          // Any client of Redis can publish anything there.
          onError(toError(error));
        }
      },
      reconnected() {
        if (isSubscribed) subscribed = subscribe();
      },
      async resume() {
        clearTimeout(leaving);
        leaving = undefined;
        if (!isWanted) {
          isWanted = true;
          subscribed = subscribe();
        }
        await subscribed;
      },
      pause() {
        leaving ??= setTimeout(leave, LINGER_MS).unref();
      },
      close() {
        clearTimeout(leaving);
        isWanted = false;
        isSubscribed = false;
        channels.delete(name);
      },
    };
    channels.set(name, channel);
    return channel;
  }

  return {
    open({ prefix, type, listener, onBegin }) {
      const receive = (text: string): void => {
        const change = toEvent(type, text);
        if (change !== undefined) listener(...change);
      };
      const changes = openChannel(prefix + CHANGES, receive, onBegin);
      // Both are subscribed anew together, so that one of them says that something was missed.
      const additions = openChannel(
        prefix + ADDITIONS,
        (ids) => receiveAdditions(ids, listener),
        () => undefined,
      );
      return {
        ...changes,
        additions,
        async close() {
          changes.close();
          additions.close();
        },
      };
    },
  };
}

/** @param ids each on a line */
function receiveAdditions(ids: string, listener: EventListener): void {
  for (const id of ids.split('\n')) listener(id, { kind: 'waiting' });
}

const NAMES: ReadonlySet<string> = new Set(EVENT_NAMES);
const isEventName = (name: string): name is EventName => NAMES.has(name);

/** @param text the event, the job's id and a detail in JSON, or nothing, each on a line */
function toEvent(type: string, text: string): [id: string, event: StoreEvent] | undefined {
  const [name = '', id = '', detail = ''] = text.split('\n');
  if (name === 'output') return [id, { kind: 'output', sequence: Number(detail) }];
  if (!isEventName(name)) return undefined;
  if (name === 'completed' && detail !== '') {
    return [id, { kind: 'finished', toRecord: () => toPublishedRecord(type, id, detail) }];
  }
  const event = toJobEvent(name, detail === '' ? undefined : JSON.parse(detail));
  return event && [id, event];
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
