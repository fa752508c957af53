import { Queue, createPostgresBackend } from 'bullmq';
import type { Pool } from 'pg';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { newJobId } from '../../src/core/job-id.ts';
import { toAddition } from '../../src/queue/job-record.ts';
import { toBullmqPool } from '../../src/queue/postgres/pool.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { openPool } from '../support/postgres.ts';

const CALLER = 'somebody';
const JOB = { type: 'plain', caller: CALLER, createdAt: new Date(), maxAttempts: 3, requestId: 'test' };
/** The tables of BullMQ that a job may leave something in, apart from its events. */
const TABLES = ['job', 'job_log', 'job_dependency', 'dedup', 'dedup_next', 'scheduler', 'rate_limit'];

type Row = Record<string, unknown>;

/** Each statement of ours and its counterpart of BullMQ's are run on an empty queue. */
describe('what our statements leave in the tables of BullMQ', () => {
  const plain = scripted('plain');
  const test = setUpQueue('postgres', [plain]);
  let database: Pool;
  const openQueue = () => new Queue('plain', { connection: toBullmqPool(database) }, createPostgresBackend);
  let queue: ReturnType<typeof openQueue>;

  beforeEach(async () => {
    database = openPool(test.url, { options: '-c search_path=bullmq', max: 5 });
    queue = openQueue();
    onTestFinished(async () => {
      await queue.close();
      await database.end();
    });
  });

  /** The rows of all tables, and the events, after steps on an empty queue; the job's id is written as `id`. */
  async function left(steps: (id: string) => Promise<unknown>): Promise<Row> {
    await queue.pause();
    await queue.obliterate({ force: true });
    const id = newJobId('plain');
    await steps(id);
    const tables: Row = {};
    for (const table of TABLES) {
      const column = table === 'job_dependency' ? 'parent_queue' : 'queue';
      const text = `SELECT to_jsonb(line) - 'seq' AS row FROM ${table} AS line WHERE ${column} = 'plain'`;
      tables[table] = (await database.query<{ row: Row }>(text)).rows.map(({ row }) => row);
    }
    const { rows: events } = await database.query<Row>('SELECT event, data FROM event WHERE queue = $1 ORDER BY id', [
      'plain',
    ]);
    return JSON.parse(JSON.stringify({ ...tables, events }).replaceAll(id, 'id'));
  }

  const addOurs = async (id: string, options: { priority?: number; delayMs?: number } = {}): Promise<void> => {
    const backendQueue = test.backend.createQueue('plain');
    await backendQueue.add([toAddition({ ...JOB, id, input: { text: 'hello' } }, options)], performance.now() + 5000);
    await backendQueue.close();
  };
  const addTheirs = (id: string, options: { priority?: number; delayMs?: number } = {}) => {
    const { data, options: json, timestamp } = toAddition({ ...JOB, id, input: { text: 'hello' } }, options);
    return queue.add(CALLER, JSON.parse(data), { ...JSON.parse(json), jobId: id, timestamp });
  };
  /** Ends a job as a worker does. */
  async function end(id: string, how: 'completed' | 'failed'): Promise<void> {
    await database.query(
      `UPDATE job SET state = $2::job_state, attempts_made = 1, attempts_started = 1, processed_at_ms = 1, finished_at_ms = 2,
              failed_reason = CASE $2 WHEN 'failed' THEN 'reason' END, stacktrace = '["trace"]' WHERE id = $1`,
      [id, how],
    );
  }

  it.each([{}, { priority: 3 }, { delayMs: 3_600_000 }, { priority: 3, delayMs: 3_600_000 }])(
    'for an addition with %o is what its own leaves, but for options that only BullMQ uses',
    async (options) => {
      /** BullMQ also writes into the options what the row has, and default values. */
      const withSameOptions = (tables: Row): Row =>
        JSON.parse(JSON.stringify(tables), (key, value) => {
          if (key !== 'opts') return value;
          const kept = Object.entries(value).filter(([name]) => name !== 'jobId' && name !== 'timestamp');
          return { delay: 0, priority: 0, ...Object.fromEntries(kept) };
        });
      const theirs = withSameOptions(await left((id) => addTheirs(id, options)));
      const ours = withSameOptions(await left((id) => addOurs(id, options)));
      expect(ours).toEqual(theirs);
    },
  );

  it('for an addition in one step with a read is the same as without', async () => {
    const ours = await left(async (id) => {
      const backendQueue = test.backend.createQueue('plain');
      const addition = toAddition({ ...JOB, id, input: { text: 'hello' } });
      await backendQueue.addOnce([addition], performance.now() + 5000);
      await backendQueue.close();
    });
    expect(ours).toEqual(await left((id) => addOurs(id)));
  });

  it('for a second addition is an event, as of its own', async () => {
    const twice = (addOne: (id: string) => Promise<unknown>) => async (id: string) => {
      await addOurs(id);
      await addOne(id);
    };
    expect(await left(twice(addOurs))).toEqual(await left(twice(addTheirs)));
  });

  it('for a retry is what its own leaves, but for the history, attempts, and progress', async () => {
    const failed = (retry: (id: string) => Promise<unknown>) => async (id: string) => {
      await addOurs(id);
      await end(id, 'failed');
      await retry(id);
    };
    const theirs = await left(failed(async (id) => (await queue.getJob(id))?.retry('failed')));
    const ours = await left(
      failed((id) => test.backend.retry('plain', id, { attempts: 3, deadline: performance.now() + 5000 })),
    );
    const { job: ourJobs, ...ourRest } = ours as { job: Row[] };
    const { job: theirJobs, ...theirRest } = theirs as { job: Row[] };
    expect(ourRest).toEqual(theirRest);
    expect(ourJobs).toEqual([
      {
        ...theirJobs[0],
        max_attempts: 4,
        opts: { ...(theirJobs[0]?.['opts'] as Row), attempts: 4 },
        processed_at_ms: 1,
        stacktrace: ['trace'],
        progress: { percentComplete: 0, message: null, at: expect.any(Number) },
      },
    ]);
  });

  it('for a removal is nothing, as of its own', async () => {
    const ended = (remove: (id: string) => Promise<unknown>) => async (id: string) => {
      await addOurs(id);
      await end(id, 'completed');
      await remove(id);
    };
    const ours = await left(ended(() => test.backend.removeFinished('plain', Date.now())));
    const theirs = await left(ended(() => queue.clean(0, 10, 'completed')));
    for (const table of TABLES) expect({ [table]: ours[table] }).toEqual({ [table]: theirs[table] });
  });

  it('for a cancellation is a failed job that BullMQ reads as one, and retries', async () => {
    const ours = await left(async (id) => {
      await addOurs(id);
      await test.backend.cancel('plain', id, { onlyMarked: false, deadline: performance.now() + 5000 });
      const job = await queue.getJob(id);
      expect(await job?.getState()).toBe('failed');
      expect(await queue.getJobCounts('failed', 'waiting')).toEqual({ failed: 1, waiting: 0 });
      await job?.retry('failed');
      expect(await queue.getJobCounts('failed', 'waiting')).toEqual({ failed: 0, waiting: 1 });
    });
    expect(ours).toMatchObject({ job: [{ state: 'waiting', deferred_failure: null, failed_reason: null }] });
  });
});
