import { type PgPool, Queue, createPostgresBackend } from 'bullmq';
import { z } from 'zod';
import type { Addition, KeptJob } from '../addition.ts';
import type { BackendQueue } from '../backend.ts';
import { ADD_JOBS, ADD_ONCE, toRecord } from './statements.ts';
import type { StoreClock } from '../store-clock.ts';

const dataSchema = z.object({ data: z.unknown() });

export interface PostgresQueueOptions {
  readonly type: string;
  readonly pool: PgPool;
  readonly clock: StoreClock;
  /** Has the server plan a statement once, under this name. */
  prepared(name: string, text: string, parameters: unknown[]): Promise<readonly unknown[]>;
  onError(error: Error): void;
}

/** What they share is a transaction, whose end is the greater part of what one takes. */
const MAX_ADDITIONS = 100;
/** A job that is there may expire, and be removed, before it is read. */
const MAX_TRIES = 5;

const COLUMNS = ['id', 'caller', 'data', 'options', 'timestamp', 'attempts'] as const satisfies (keyof Addition)[];

export function createPostgresQueue(options: PostgresQueueOptions): BackendQueue {
  const { type, pool, clock, prepared, onError } = options;
  const queue = new Queue(type, { connection: pool }, createPostgresBackend);
  queue.on('error', onError);

  async function addOne(addition: Addition, deadline: number): Promise<KeptJob> {
    const columns = COLUMNS.map((name) => addition[name]);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const [row] = await clock.within(deadline, (storeDeadline) =>
        prepared('accepted:add-once', ADD_ONCE, [type, ...columns, storeDeadline]),
      );
      if (row !== undefined) return { record: toRecord(row), data: dataSchema.parse(row).data };
    }
    throw new Error(`the job ${addition.id} was added and is not there`);
  }

  return {
    maxAdditions: MAX_ADDITIONS,
    waitUntilReady: () => queue.waitUntilReady(),
    async add(additions, deadline) {
      const columns = COLUMNS.map((name) => additions.map((addition) => addition[name]));
      await clock.within(deadline, (storeDeadline) =>
        prepared('accepted:add', ADD_JOBS, [type, ...columns, storeDeadline]),
      );
    },
    // Two transactions that add the same ids in another order would wait for each other: each is one of its own.
    addOnce: (additions, deadline) => Promise.all(additions.map((addition) => addOne(addition, deadline))),
    close: () => queue.close(),
  };
}
