import { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';

async function connect(url: string | undefined): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const LOCK_JOB = 'SELECT FROM bullmq.job WHERE id = $1 FOR UPDATE';
const BLOCKED = `
  SELECT count(*)::integer AS count FROM pg_stat_activity
   WHERE datname = current_database() AND $1 = ANY (pg_blocking_pids(pid))`;

describe('a job on PostgreSQL whose end is rolled back to resolve a deadlock', () => {
  const one = scripted('one', { attempts: 1, concurrency: 1 });
  const test = setUpQueue('postgres', [one]);

  it('has succeeded all the same', async () => {
    const database = await connect(test.url);
    // PostgreSQL rolls back the first session that has waited so long: the worker, and not the test.
    await database.query(`DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = %L', current_database(), '3s'); END $$`);
    await database.query(`SET deadlock_timeout = '5min'`);
    const observer = await connect(test.url);
    const { rows } = await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid;
    const started = signal();
    const release = signal();
    const runs: string[] = [];
    one.runs(async (input) => {
      runs.push(input.text);
      if (input.text === 'delayed') return input;
      started.reach();
      await release.reached;
      return input;
    });
    const done = await test.add(one, 'done');
    test.work(await test.otherSide());
    await started.reached;
    const delayed = await test.add(one, 'delayed');
    await database.query(`UPDATE bullmq.job SET state = 'delayed', process_at_ms = 0 WHERE id = $1`, [delayed.id]);

    await database.query('BEGIN');
    await database.query(LOCK_JOB, [delayed.id]);
    release.reach();
    // BullMQ has locked the job that is done, and waits for the one whose delay is over.
    await poll(
      async () => (await observer.query<{ count: number }>(BLOCKED, [pid])).rows[0]?.count,
      (blocked) => blocked === 1,
    );
    await database.query(LOCK_JOB, [done.id]);
    await database.query('ROLLBACK');

    expect((await test.finish(done)).status).toBe('Succeeded');
    expect((await test.finish(delayed)).status).toBe('Succeeded');
    expect(runs).toEqual(['done', 'delayed']);
  });
});

describe('workers on PostgreSQL that promote many delayed jobs at a time', () => {
  const ATTEMPTS = 4;
  const many = scripted('many', { attempts: ATTEMPTS, concurrency: 8, backoffSeconds: 0.001 });
  const test = setUpQueue('postgres', [many]);

  it('report no job as failed that was done', async () => {
    const database = await connect(test.url);
    // With this plan BullMQ's workers meet deadlocks soonest.
    await database.query('ALTER FUNCTION bullmq.move_to_active SET enable_seqscan = off');
    await database.query('ALTER FUNCTION bullmq.move_to_active SET enable_bitmapscan = off');
    many.runs(async (input, job) => {
      if (job.attempt < ATTEMPTS) throw new Error('on purpose');
      return input;
    });
    const sides = [await test.otherSide(), await test.otherSide(), await test.otherSide()];
    for (const side of sides) test.work(side);
    const jobs = await Promise.all(Array.from({ length: 300 }, () => test.add(many)));
    for (const job of jobs) {
      const end = await test.finish(job);
      expect({ status: end.status, attempt: end.attempt }).toEqual({ status: 'Succeeded', attempt: ATTEMPTS });
    }
  });
});
