import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import type { Job } from '../../src/core/job.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

const never = new AbortController().signal;
/** Far longer than a wait without events takes to notice: 5 s. */
const LONG_SECONDS = 40;

/** A job without its times. */
const inShort = ({ status, attempt, percentComplete }: Job): string => `${status} ${attempt} ${percentComplete} %`;

describe.each(BACKENDS)('following a job on %s', (backend) => {
  const plain = scripted('plain');
  const patient = scripted('patient', { backoffSeconds: 1 });
  const test = setUpQueue(backend, [plain, patient]);
  const { add, finish, work } = test;
  const wait = (job: Job, stop = never, seconds = LONG_SECONDS): Promise<Job | undefined> =>
    test.service.wait(job.id, ANONYMOUS, seconds, stop);
  const watch = (job: Job, stop = never) => test.service.watch(job.id, ANONYMOUS, stop);
  const collect = async (states: AsyncIterable<Job>): Promise<Job[]> => {
    const found: Job[] = [];
    for await (const state of states) found.push(state);
    return found;
  };

  it('a wait ends with the job, whenever it was begun', async () => {
    plain.runs(async ({ text }) => {
      for (let turn = 0; turn < Number(text); turn += 1) await new Promise(setImmediate);
      return { text };
    });
    work(await test.otherSide());
    for (let round = 0; round < 10; round += 1) {
      const jobs = await Promise.all(Array.from({ length: 12 }, (_, index) => add(plain, String(index * 2))));
      const waits = jobs.map(async (job, index) => {
        for (let turn = 0; turn < index * round; turn += 1) await new Promise(setImmediate);
        return wait(job);
      });
      for (const done of await Promise.all(waits)) expect(done).toMatchObject({ status: 'Succeeded' });
    }
    expect(test.listeners()).toBe(0);
  });

  it('a wait ends when its time is over, with the job as it is', async () => {
    const job = await add(patient);
    expect(await wait(job, never, 0)).toEqual(job);
    expect(await wait(job, never, 0.05)).toEqual(job);
    await test.queue.cancel(job);
    expect(await wait(job)).toMatchObject({ status: 'Canceled' });
    expect(await wait({ ...job, id: 'plain_AAAAAAAAAAAAAAAAAAAAAA' })).toBeUndefined();
  });

  it('a thousand wait without a connection of their own, and all hear of the end', async () => {
    const jobs = await Promise.all(Array.from({ length: 20 }, () => add(plain)));
    plain.runs(async ({ text }) => ({ text }));
    const countConnections = await connectionCounter(test.url);
    const thousand = Array.from({ length: 1000 }, (_, index) => jobs[index % 20]).filter((job) => job !== undefined);
    // What a thousand readers at a time take.
    await Promise.all(thousand.map((job) => test.service.read(job.id, ANONYMOUS)));
    const before = await countConnections();
    const waits = thousand.map((job) => wait(job));
    await poll(
      async () => test.listeners(),
      (count) => count === 1000,
    );
    expect(await countConnections()).toBeLessThanOrEqual(before);
    work();
    const done = await Promise.all(waits);
    expect(done.filter((job) => job?.status === 'Succeeded')).toHaveLength(1000);
    expect(test.listeners()).toBe(0);
  });

  it('those who go leave nothing behind', async () => {
    const job = await add(patient);
    const controller = new AbortController();
    const waits = Array.from({ length: 100 }, () => wait(job, controller.signal));
    const watches = Array.from({ length: 100 }, () => collect(watch(job, controller.signal)));
    const left = watch(job);
    await left.next();
    await poll(
      async () => test.listeners(),
      (count) => count === 201,
    );
    controller.abort();
    await left.return();
    for (const found of await Promise.all(waits)) expect(found).toEqual(job);
    for (const found of await Promise.all(watches)) expect(found).toEqual([job]);
    expect(test.listeners()).toBe(0);
    await test.queue.cancel(job);
  });

  it('subscriptions to jobs of types that are not there, which callers can name, keep no memory when they end', () => {
    const before = heapInUse();
    for (let index = 0; index < 100_000; index += 1) {
      const unsubscribe = test.events.subscribe(`none${index}_AAAAAAAAAAAAAAAAAAAAAA`, () => undefined);
      unsubscribe();
    }
    expect(heapInUse() - before).toBeLessThan(5_000_000);
  });

  it('a watch gives what it is, each change in order, and the end', async () => {
    patient.runs(async ({ text }, job) => {
      for (const percent of [10, 20, 30]) await job.progress(percent * job.attempt, `at ${percent}`);
      if (job.attempt === 1) throw new Error('once more');
      return { text };
    });
    const job = await add(patient);
    const states = watch(job);
    const first = await states.next();
    expect(first.value).toEqual(job);
    work(await test.otherSide());
    const found = await collect(states);
    expect(found.map(inShort)).toEqual([
      'Running 1 0 %',
      'Running 1 10 %',
      'Running 1 20 %',
      'Running 1 30 %',
      'Pending 1 30 %',
      'Running 2 30 %',
      'Running 2 20 %',
      'Running 2 40 %',
      'Running 2 60 %',
      'Succeeded 2 100 %',
    ]);
    expect(found.map(({ message }) => message).slice(1, 4)).toEqual(['at 10', 'at 20', 'at 30']);
    const times = found.map(({ lastUpdatedAt }) => lastUpdatedAt.getTime());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(found.at(-1)).toEqual(await test.read(job));
    expect(await collect(watch(job))).toEqual(found.slice(-1));
  });

  it('a watch that is begun when a job was put back does not end with the end before that', async () => {
    plain.runs(async ({ text }) => ({ text }));
    for (let round = 0; round < 20; round += 1) {
      const job = await add(plain);
      await test.queue.cancel(job);
      await test.queue.retry(job, 3);
      const states = watch(job);
      expect((await states.next()).value).toMatchObject({ status: 'Pending' });
      const next = states.next();
      // By now the earlier end has been told, as this one is.
      const another = await add(plain);
      const heard = wait(another);
      await test.queue.cancel(another);
      await heard;
      await test.queue.cancel(job);
      expect((await next).value).toMatchObject({ status: 'Canceled' });
      expect((await states.next()).done).toBe(true);
    }
  });

  it('a watcher who does not read is given what fits, and the end', async () => {
    plain.runs(async ({ text }, job) => {
      for (let count = 0; count < 600; count += 1) await job.progress(count / 6, `step ${count}`);
      return { text };
    });
    const job = await add(plain);
    const states = watch(job);
    await states.next();
    work();
    await finish(job);
    const found = await collect(states);
    expect(found.length).toBeLessThan(300);
    expect(found.at(-1)).toMatchObject({ status: 'Succeeded', percentComplete: 100 });
  });
});

/** Bytes of the heap that are reachable. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  return process.memoryUsage().heapUsed;
}

/** Counts who is connected to a store, but for the one who counts. */
async function connectionCounter(url: string | undefined): Promise<() => Promise<number>> {
  if (url === undefined) return async () => 0;
  if (url.startsWith('redis')) {
    const admin = new Redis(url);
    onTestFinished(() => admin.disconnect());
    const db = new URL(url).pathname.slice(1);
    return async () => String(await admin.client('LIST')).split(` db=${db} `).length - 2;
  }
  const admin = openPool(url, { max: 1 });
  onTestFinished(() => admin.end());
  return async () =>
    (await admin.query('SELECT pid FROM pg_stat_activity WHERE datname = current_database()')).rows.length - 1;
}
