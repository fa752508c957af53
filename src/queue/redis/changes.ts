import { CANCELED } from '../job-record.ts';
import { fromSubmission } from '../job-submission.ts';
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
  /** BullMQ's options, among which is what its submission asked for. */
  readonly opts: object;
}

/** What workers do to jobs beside BullMQ's own steps. All of one turn of the event loop is one command. */
export interface JobChanges {
  /** Resolves when the entry was sent, and so comes before what is sent after it on the same connection. */
  addToIndex(set: IndexSet, job: EndingJob): Promise<void>;
  /** Publishes a change whose command was sent. A lost publication is not repeated: followers read a silent job again. */
  publish(event: EventName, id: string, detail?: string): void;
}

/** @param client the connection of the workers, so that commands keep their order */
export function createJobChanges(client: RedisClient, prefix: string, onError: (error: Error) => void): JobChanges {
  const addEntry = onceATurn<readonly [set: IndexSet, job: EndingJob]>((added) => {
    const entries = added.flatMap(([set, job]) => keysOf(prefix, set, job).map((key) => [key, job] as const));
    for (const [key, ofKey] of Map.groupBy(entries, ([each]) => each)) {
      client.zadd(key, ...ofKey.flatMap(([, { timestamp, id = '' }]) => [timestamp, id])).catch(onError);
    }
  });
  /** Event, id and detail of each. */
  let changes: string[] = [];
  const publishAll = (): void => {
    if (changes.length === 0) return;
    const published = changes;
    changes = [];
    runScript(client, SCRIPTS.publishChanges, prefix, CANCELED, ...published).catch(onError);
  };
  return {
    addToIndex: (set, job) => addEntry([set, job]),
    publish(event, id, detail = '') {
      changes.push(event, id, detail);
      // A start waits a little longer, because the end of a job that has nothing to wait for is published with it.
      if (event === 'active') setImmediate(publishAll);
      else process.nextTick(publishAll);
    },
  };
}

/** The sorted sets of the index that the job belongs to. */
function keysOf(prefix: string, set: IndexSet, { name, opts }: EndingJob): string[] {
  const keys = [indexKey(prefix, set, name), indexKey(prefix, set)];
  if (!('submission' in opts)) return keys;
  const tags = fromSubmission(opts.submission)?.tags ?? [];
  return [...keys, ...tags.flatMap((tag) => [indexKey(prefix, set, name, tag), indexKey(prefix, set, undefined, tag)])];
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
