import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { prefixOf } from '../../src/queue/redis/names.ts';
import { poll } from '../support/follow.ts';
import { type ScriptedType, scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const single = (name: string): ScriptedType => scripted(name, { concurrency: 1 });
/** Numbers that look random, the same each time. */
function createRandom(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

describe.each(BACKENDS)('callers of a type on %s', (backend) => {
  const crowded = single('crowded');
  const urgent = single('urgent');
  const due = single('due');
  const emptied = single('emptied');
  const failing = single('failing');
  const old = single('old');
  const bounded = scripted('bounded', { concurrency: 5, concurrencyPerCaller: 1 });
  const types = [crowded, urgent, due, emptied, failing, old, bounded];
  const test = setUpQueue(backend, types, { fair: true });

  /** Runs the jobs of a type one after the other from now on. @returns their texts, in the order of their beginning */
  function record(type: ScriptedType): string[] {
    const order: string[] = [];
    type.runs(async ({ text }) => {
      order.push(text);
      return { text };
    });
    return order;
  }
  async function addAll(type: ScriptedType, caller: string, count: number, given = {}): Promise<Job[]> {
    const jobs: Job[] = [];
    while (jobs.length < count) {
      const added = jobs.length;
      const texts = Array.from({ length: Math.min(25, count - added) }, (_, index) => `${caller}${added + index}`);
      jobs.push(...(await Promise.all(texts.map((text) => test.add(type, text, { caller, given })))));
    }
    return jobs;
  }
  const placeJobs = () => test.backend.placeJobs(types.map(({ type }) => type.name));

  it('take turns, so that the only job of one waits for one of each other', async () => {
    const order = record(crowded);
    await addAll(crowded, 'a', 300);
    const pairs = await Promise.all([addAll(crowded, 'b', 20), addAll(crowded, 'c', 20)]);
    const only = await test.add(crowded, 'only', { caller: 'd' });
    const positions = () => test.service.queuePosition(only);
    expect(positions()).toBeNull();
    expect(
      await poll(
        async () => positions(),
        (place) => place !== null,
      ),
    ).toBe(3);
    expect(test.service.retryAfter(only)).toBe(1);
    expect(await test.queue.readPace('crowded')).toMatchObject({ waiting: 341, fair: true });
    expect(await test.queue.readTypeState('crowded')).toMatchObject({ counts: { pending: 341 } });
    const workers = test.startWorkers();
    await Promise.all([...pairs.flat(), only].map(test.finish));
    await workers.close(5000);
    const first = Array.from({ length: 20 }, (_, index) => ['a', 'b', 'c'].map((caller) => `${caller}${index}`)).flat();
    expect(order.slice(0, first.length + 1)).toEqual(first.toSpliced(3, 0, 'only'));
  });

  it('have their jobs with a higher priority run first, each in the place of another of theirs', async () => {
    const random = createRandom();
    const order = record(urgent);
    const callers = ['a', 'b', 'c'];
    const added: { readonly text: string; readonly caller: string; readonly priority: number }[] = [];
    const jobs: Job[] = [];
    for (let index = 0; index < 60; index += 1) {
      const [caller = '', priority] = [callers[random(index < 20 ? 1 : 3)], Math.max(0, random(14) - 4)];
      added.push({ text: `${caller}${index}`, caller, priority });
      jobs.push(await test.add(urgent, `${caller}${index}`, { caller, given: priority > 0 ? { priority } : {} }));
    }
    test.work();
    await Promise.all(jobs.map(test.finish));
    const counts = new Map<string, number>();
    for (const [index, text] of order.entries()) {
      const { caller = '' } = added.find((each) => each.text === text) ?? {};
      const round = counts.get(caller) ?? 0;
      counts.set(caller, round + 1);
      // No more than the rounds before it, and its own.
      expect(index).toBeLessThan((round + 1) * callers.length);
    }
    for (const caller of callers) {
      const own = added.filter((each) => each.caller === caller);
      const expected = own.toSorted((a, b) => b.priority - a.priority).map(({ text }) => text);
      expect(order.filter((text) => text.startsWith(caller))).toEqual(expected);
    }
  });

  it('take turns also with delayed jobs that are due together', async () => {
    const running = signal();
    const over = signal();
    const order: string[] = [];
    due.runs(async ({ text }) => {
      order.push(text);
      running.reach();
      await over.reached;
      return { text };
    });
    const scheduledFor = new Date(Date.now() + 500);
    const [jobs] = await Promise.all([addAll(due, 'a', 30, { scheduledFor }), addAll(due, 'b', 10, { scheduledFor })]);
    test.work();
    await running.reached;
    const early = await test.add(due, 'early', { caller: 'c' });
    await poll(placeJobs, (placed) => placed < 1000);
    const late = await test.add(due, 'late', { caller: 'd' });
    over.reach();
    await Promise.all([...jobs, early, late].map(test.finish));
    expect(order.indexOf('early')).toBeLessThan(5);
    expect(order.indexOf('late')).toBeLessThan(5);
    expect(order.indexOf('b9')).toBeLessThan(25);
  });

  it('wait no longer because they canceled jobs', async () => {
    const order = record(emptied);
    const canceled = await addAll(emptied, 'a', 30);
    const others = await addAll(emptied, 'b', 10);
    for (const job of canceled.toReversed()) await test.queue.cancel(job);
    const next = await addAll(emptied, 'a', 2);
    const retried = canceled[0] ?? expect.fail('no job');
    await test.queue.retry(retried, 1);
    test.work();
    await Promise.all([...others, ...next, retried].map(test.finish));
    expect(order.slice(0, 6)).toEqual(['b0', 'a0', 'b1', 'a1', 'b2', 'a0']);
  });

  it('take turns with further attempts too', async () => {
    const order: string[] = [];
    failing.runs(async ({ text }, { attempt }) => {
      order.push(`${text}.${attempt}`);
      await placeJobs();
      if (attempt === 1 && text.startsWith('a')) throw new Error('again');
      return { text };
    });
    const jobs = [...(await addAll(failing, 'a', 20)), ...(await addAll(failing, 'b', 10))];
    test.work();
    await Promise.all(jobs.map(test.finish));
    // Each is preceded by the attempts of one job in each round, the present one included.
    for (let index = 0; index < 10; index += 1) expect(order.indexOf(`b${index}.1`)).toBeLessThan(3 * index + 3);
    expect(order).toHaveLength(50);
  });

  it.runIf(backend !== 'redis')('keep their order when the numbers of rounds become too large', async () => {
    const server = new Pool({ connectionString: test.url, max: 1 });
    onTestFinished(() => server.end());
    const run = async (text: string): Promise<unknown[]> =>
      (await (backend === 'embedded' ? test.embedded.pool.query(text) : server.query(text))).rows;
    const order = record(old);
    const jobs = [...(await addAll(old, 'a', 10)), ...(await addAll(old, 'b', 5))];
    await run(`UPDATE bullmq.job SET priority = priority + 999000000 WHERE queue = 'old'`);
    expect(await placeJobs()).toBe(15);
    expect(await placeJobs()).toBe(0);
    const last = await test.add(old, 'last', { caller: 'c' });
    const rows = await run(`SELECT max(priority) AS most FROM bullmq.job WHERE queue = 'old'`);
    expect(rows).toEqual([{ most: 5_000_011 }]);
    test.work();
    await Promise.all([...jobs, last].map(test.finish));
    expect(order.slice(0, 6)).toEqual(['a0', 'b0', 'last', 'a1', 'b1', 'a2']);
  });

  describe('with concurrencyPerCaller', () => {
    /** Jobs that run until a test lets them end. */
    function hold() {
      const begun: string[] = [];
      const ends = new Map<string, () => void>();
      bounded.runs(async ({ text }) => {
        const over = signal();
        ends.set(text, over.reach);
        begun.push(text);
        await over.reached;
        return { text };
      });
      return {
        begun,
        end: (text: string) => ends.get(text)?.(),
        begins: (text: string) =>
          poll(
            async () => begun.includes(text),
            (has) => has,
          ),
      };
    }
    const states = async (jobs: readonly Job[]) =>
      (await Promise.all(jobs.map(test.read))).map((job) => `${job?.status} ${job?.attempt}`);

    it('run so many at a time, in their order, beside those of others', async () => {
      const { begun, begins, end } = hold();
      test.work();
      const jobs = await addAll(bounded, 'a', 1);
      await begins('a0');
      for (const text of ['a1', 'a2', 'a3']) jobs.push(await test.add(bounded, text, { caller: 'a' }));
      const other = await test.add(bounded, 'b', { caller: 'b' });
      if (backend !== 'embedded') test.work(await test.otherSide());
      await begins('b');
      await poll(
        () => states(jobs),
        (found) => String(found) === 'Running 1,Pending 0,Pending 0,Pending 0',
      );
      expect(await test.read(jobs[3] as Job)).toMatchObject({ startedAt: null, status: 'Pending' });
      expect(await test.queue.cancel(jobs[2] as Job)).toMatchObject({ status: 'Canceled' });
      for (const text of ['a0', 'a1', 'a3']) {
        await begins(text);
        expect(begun.findLast((each) => each.startsWith('a'))).toBe(text);
        end(text);
      }
      end('b');
      await Promise.all([...jobs, other].map(test.finish));
      expect(begun).toHaveLength(4);
    });

    it.skipIf(backend === 'embedded')('go on when a worker was killed', async () => {
      const { begun, begins, end } = hold();
      test.work();
      const jobs = await addAll(bounded, 'c', 1);
      await begins('c0');
      jobs.push(await test.add(bounded, 'c1', { caller: 'c' }));
      await poll(
        () => states(jobs),
        (found) => String(found) === 'Running 1,Pending 0',
      );
      await loseWorker(jobs[0] as Job);
      // What every process does each second.
      await poll(
        async () => (await test.backend.freeSlots('bounded', 1), begun.includes('c1')),
        (has) => has,
      );
      end('c1');
      expect(await test.finish(jobs[1] as Job)).toMatchObject({ status: 'Succeeded', attempt: 1 });
      expect(await test.queue.cancel(jobs[0] as Job)).toMatchObject({ status: 'Canceled' });
      end('c0');
    });

    /** What the store has when the lock of a killed worker has expired, for as long as no worker takes the job again. */
    async function loseWorker({ id }: Job): Promise<void> {
      if (backend === 'redis') {
        const redis = new Redis(test.url ?? '');
        await redis.set(`${prefixOf('bounded')}stalled-check`, '1');
        await redis.del(`${prefixOf('bounded')}${id}:lock`);
        redis.disconnect();
        return;
      }
      const pool = new Pool({ connectionString: test.url, max: 1 });
      await pool.query(
        `UPDATE bullmq.job SET state = 'delayed', process_at_ms = $2, lock_token = NULL, locked_until_ms = NULL WHERE id = $1`,
        [id, Date.now() + 3_600_000],
      );
      await pool.end();
    }
  });
});
