import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';

function connect(url: string | undefined) {
  const pool = new Pool({ connectionString: url, max: 1 });
  onTestFinished(() => pool.end());
  return async (sql: string, ...parameters: unknown[]): Promise<number | undefined> =>
    (await pool.query<{ count: number }>(sql, parameters)).rows[0]?.count;
}

/** The lock that workers take in turn. */
const TURN = `hashtext('accepted:delayed'), hashtext('one')`;
const WAITING = `
  SELECT count(*)::integer AS count FROM pg_stat_activity
   WHERE datname = current_database() AND wait_event = 'advisory' AND query LIKE '%' || $1 || '(%'`;
const OTHER_SESSIONS = `
  SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
const DEADLOCKS = 'SELECT deadlocks::integer AS count FROM pg_stat_database WHERE datname = current_database()';

describe('workers on PostgreSQL take turns at jobs whose delay is over', () => {
  const one = scripted('one', { attempts: 1, concurrency: 1 });
  const test = setUpQueue('postgres', [one]);

  it.each([
    ['move_to_active', 'free'],
    ['move_to_completed_fetch', 'busy with a job that succeeds'],
    ['move_to_failed_fetch', 'busy with a job that fails'],
  ])('in %s, when one was %s', async (taking, before) => {
    const query = connect(test.url);
    const started = signal();
    const release = signal();
    one.runs(async (input) => {
      if (input.text === 'delayed') return input;
      started.reach();
      await release.reached;
      if (before.endsWith('fails')) throw new Error('as told');
      return input;
    });
    if (before !== 'free') {
      await test.add(one);
      test.work();
      await started.reached;
    }
    const delayed = await test.add(one, 'delayed');
    await query(`UPDATE bullmq.job SET state = 'delayed', process_at_ms = 0 WHERE id = $1`, delayed.id);

    await query(`SELECT pg_advisory_lock(${TURN})`);
    release.reach();
    if (before === 'free') test.work();
    await poll(
      () => query(WAITING, taking),
      (waiting) => waiting === 1,
    );
    await query(`SELECT pg_advisory_unlock(${TURN})`);
    expect((await test.finish(delayed)).status).toBe('Succeeded');
  });
});

describe('workers on PostgreSQL that have jobs whose delay is over', () => {
  const ATTEMPTS = 4;
  const many = scripted('many', { attempts: ATTEMPTS, concurrency: 8, backoffSeconds: 0.001 });
  const test = setUpQueue('postgres', [many]);

  it('never end in a deadlock, which would have a job fail that was done', async () => {
    const query = connect(test.url);
    // With this plan BullMQ's workers come to deadlocks soonest.
    await query('ALTER FUNCTION bullmq.move_to_active SET enable_seqscan = off');
    await query('ALTER FUNCTION bullmq.move_to_active SET enable_bitmapscan = off');
    many.runs(async (input, job) => {
      if (job.attempt < ATTEMPTS) throw new Error('as told');
      return input;
    });
    const sides = [await test.otherSide(), await test.otherSide(), await test.otherSide()];
    const workers = sides.map((side) => test.work(side));
    const jobs = await Promise.all(Array.from({ length: 300 }, () => test.add(many)));
    for (const job of jobs) expect((await test.finish(job)).status).toBe('Succeeded');

    // PostgreSQL counts what a session came to at its end.
    await Promise.all(workers.map((each) => each.close(5000)));
    await Promise.all([...sides, test].map((side) => side.close()));
    await poll(
      () => query(OTHER_SESSIONS),
      (others) => others === 0,
    );
    expect(await query(DEADLOCKS)).toBe(0);
  });
});
