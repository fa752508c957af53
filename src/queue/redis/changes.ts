import type { EventName } from '../queue-events.ts';
import type { RedisClient } from './client.ts';
import { type IndexSet, indexKey } from './list.ts';
import { SCRIPTS, runScript } from './scripts.ts';

/** The job that is about to end. */
export interface EndingJob {
  readonly id?: string | undefined;
  /** BullMQ's name of a job is the id of its caller. */
  readonly name: string;
  readonly timestamp: number;
}

/** What workers do to jobs beside BullMQ's own steps. All of one turn of the event loop is one command. */
export interface JobChanges {
  /** Resolves when the entry was sent, and so comes before what is sent after it on the same connection. */
  addToIndex(set: IndexSet, job: EndingJob): Promise<void>;
  /** Publishes a change that the store has. A lost publication is not repeated: followers read a silent job again. */
  publish(event: EventName, id: string, detail?: string): void;
}

/** @param client the connection of the workers, so that commands keep their order */
export function createJobChanges(client: RedisClient, prefix: string, onError: (error: Error) => void): JobChanges {
  const addEntry = onceATurn<readonly [set: IndexSet, job: EndingJob]>((added) => {
    const entries = Map.groupBy(added, ([set, { name }]) => indexKey(prefix, set, name));
    for (const [key, ofKey] of entries) {
      client.zadd(key, ...ofKey.flatMap(([, { timestamp, id = '' }]) => [timestamp, id])).catch(onError);
    }
  });
  const publishChange = onceATurn<readonly [event: EventName, id: string, detail: string]>((changes) => {
    runScript(client, SCRIPTS.publishChanges, prefix, ...changes.flat()).catch(onError);
  });
  return {
    addToIndex: (set, job) => addEntry([set, job]),
    publish: (event, id, detail = '') => void publishChange([event, id, detail]),
  };
}

/** Collects items until all promises of this turn have settled. The returned promise resolves after `flush`. */
function onceATurn<Item>(flush: (items: readonly Item[]) => void): (item: Item) => Promise<void> {
  let items: Item[] = [];
  let flushed: Promise<void> | undefined;
  return (item) => {
    items.push(item);
    flushed ??= new Promise((resolve) => {
      process.nextTick(() => {
        const collected = items;
        items = [];
        flushed = undefined;
        flush(collected);
        resolve();
      });
    });
    return flushed;
  };
}
