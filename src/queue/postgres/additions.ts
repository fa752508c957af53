import { type PgPool, Queue, createPostgresBackend } from 'bullmq';
import { z } from 'zod';
import type { Addition, KeptJob } from '../job-record.ts';
import type { BackendQueue } from '../backend.ts';
import { ROUNDS_FROM, STATEMENTS, type Statement, toRecord } from './statements.ts';
import type { StoreClock } from '../store-clock.ts';

const dataSchema = z.object({ data: z.unknown() });

export interface PostgresQueueOptions {
  readonly type: string;
  readonly pool: PgPool;
  readonly clock: StoreClock;
  readonly batchJobMs: number;
  /** Whether callers take turns. */
  readonly fair: boolean;
  /** Runs a statement that the server plans once for each connection. */
  runPrepared(statement: Statement, parameters: unknown[]): Promise<readonly unknown[]>;
  onError(error: Error): void;
}

/** They share one transaction, whose commit takes most of the time of an addition. */
const MAX_ADDITIONS = 100;
/** The job that has the id may expire and be removed before it is read. */
const MAX_TRIES = 5;

const COLUMNS = [
  'id',
  'caller',
  'data',
  'options',
  'timestamp',
  'attempts',
  'priority',
  'delayMs',
] as const satisfies (keyof Addition)[];

function columnsOf(additions: readonly Addition[]): unknown[] {
  return COLUMNS.map((name) => additions.map((addition) => addition[name]));
}

function toKept(row: unknown): KeptJob {
  return { record: toRecord(row), data: dataSchema.parse(row).data };
}

/** They are sorted as numbers, and those of other jobs stay as they are. */
export const bullmqPriority = (priority: number): number => (priority === 0 ? 0 : -priority);

export function createPostgresQueue(options: PostgresQueueOptions): BackendQueue {
  const { type, pool, clock, batchJobMs, fair, runPrepared, onError } = options;
  const queue = new Queue(type, { connection: pool }, createPostgresBackend);
  queue.on('error', onError);

  async function addOne(addition: Addition, deadline: number): Promise<KeptJob> {
    const columns = COLUMNS.map((name) => addition[name]);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const [row] = await clock.within(deadline, (storeDeadline) =>
        runPrepared(STATEMENTS.addOnce, [type, ...columns, storeDeadline]),
      );
      if (row !== undefined) return toKept(row);
    }
    throw new Error(`the job ${addition.id} was added and cannot be found`);
  }

  return {
    maxAdditions: MAX_ADDITIONS,
    batchJobMs,
    bullmqPriority: fair ? () => ROUNDS_FROM : bullmqPriority,
    waitUntilReady: () => queue.waitUntilReady(),
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    async add(additions, deadline) {
      // So that no two transactions wait for each other's callers.
      const ordered = fair
        ? additions.toSorted((a, b) => (a.caller < b.caller ? -1 : Number(a.caller > b.caller)))
        : additions;
      await clock.within(deadline, (storeDeadline) =>
        runPrepared(STATEMENTS.addJobs, [type, ...columnsOf(ordered), storeDeadline]),
      );
    },
    // One transaction each: two that add the same ids in different orders would wait for each other.
    addOnce: (additions, deadline) => Promise.all(additions.map((addition) => addOne(addition, deadline))),
    async addBatch(additions, tag, deadline) {
      const [row] = await clock.within(deadline, (storeDeadline) =>
        runPrepared(STATEMENTS.addBatch, [type, tag, ...columnsOf(additions), storeDeadline]),
      );
      return row === undefined ? undefined : toKept(row);
    },
    schedulers: queue,
    close: () => queue.close(),
  };
}
