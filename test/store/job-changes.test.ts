import { describe, expect, it, onTestFinished } from 'vitest';
import type { Principal } from '../../src/core/access/caller.ts';
import { type Job, isDone } from '../../src/core/job.ts';
import { JobError } from '../../src/core/job-error.ts';
import type { JobFilter } from '../../src/core/service/job-filter.ts';
import { principal } from '../support/callers.ts';
import { type QueueSide, scripted, setUpQueue, signal } from '../support/queue.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { BACKENDS } from '../support/stores.ts';

const ADMIN = principal('the-admin', ['admin']);
const never = new AbortController().signal;

/** States as they are shown, until one of them is the last that is wanted. */
async function until(states: AsyncIterable<Job>, isLast: (job: Job) => boolean): Promise<Job[]> {
  const shown: Job[] = [];
  for await (const job of states) {
    shown.push(job);
    if (isLast(job)) return shown;
  }
  return expect.fail(`ended after ${JSON.stringify(shown)}`);
}

describe.each(BACKENDS)('changes of all jobs on %s', (backend) => {
  const plain = scripted('plain', { backoffSeconds: 100_000 });
  const other = scripted('other');
  const test = setUpQueue(backend, [plain, other]);

  /** Another process, where there can be one. */
  const newSide = async (url?: string): Promise<QueueSide> =>
    backend === 'embedded' ? test : test.otherSide(url ?? test.url);
  async function watchAll(caller: Principal, filter: JobFilter = {}, side: QueueSide = test) {
    const gone = new AbortController();
    onTestFinished(() => gone.abort());
    return side.service.watchAll(filter, caller, gone.signal);
  }

  it('show each job when it is added, runs and ends, in another process', async () => {
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }, job) => {
      started.reach();
      await job.progress(50, 'half');
      await release.reached;
      return { text };
    });
    const states = await watchAll(ADMIN, {}, await newSide());
    const job = await test.submit(plain, 'hello', principal('ada'));
    const first = await until(states, ({ id }) => id === job.id);
    expect(first.at(-1)).toMatchObject({ status: 'Pending', caller: 'ada' });
    const next = await watchAll(ADMIN);
    test.work(await newSide());
    await started.reached;
    await until(next, ({ id, message }) => id === job.id && message === 'half');
    const last = await watchAll(ADMIN);
    release.reach();
    const end = (await until(last, (state) => state.id === job.id && isDone(state))).at(-1);
    expect(end).toMatchObject({ status: 'Succeeded', result: { text: 'hello' } });
  });

  it('are those of the caller’s own jobs without the scope', async () => {
    const ada = await watchAll(principal('ada'));
    await expect(watchAll(principal('ada'), { caller: 'eve' })).rejects.toMatchObject({ problem: 'forbidden' });
    await expect(watchAll(principal('ada', ['submit']))).rejects.toMatchObject({ problem: 'forbidden' });
    await expect(watchAll(ADMIN, { type: 'none' })).rejects.toMatchObject({ problem: 'invalid-input' });
    for (let count = 0; count < 5; count += 1) await test.submit(other, 'theirs', principal('eve'));
    const mine = await test.submit(other, 'mine', principal('ada'));
    const shown = await until(ada, ({ id }) => id === mine.id);
    expect(new Set(shown.map(({ caller }) => caller))).toEqual(new Set(['ada']));
  });

  it('match type, caller and time of creation', async () => {
    const from = new Date(Date.now() - 1000);
    const filter = { type: 'plain', caller: 'ada', createdAfter: from, createdBefore: new Date(Date.now() + 100_000) };
    const states = await watchAll(ADMIN, filter);
    await test.add(plain, 'x', { caller: 'ada', createdAt: new Date(from.getTime() - 1) });
    await test.add(plain, 'x', { caller: 'ada', createdAt: filter.createdBefore });
    await test.add(other, 'x', { caller: 'ada' });
    await test.add(plain, 'x', { caller: 'eve' });
    const job = await test.add(plain, 'x', { caller: 'ada', createdAt: from });
    expect((await until(states, ({ id }) => id === job.id)).map(({ id }) => id)).toEqual([job.id]);
  });

  it('show a job that has left the status once, and one that waits since it was added not at all', async () => {
    const before = await test.add(plain, 'x', { caller: 'zoe' });
    const filter: JobFilter = { caller: 'zoe', statuses: ['Failed', 'Canceled'] };
    await test.queue.cancel(before);
    const states = await watchAll(ADMIN, filter);
    await test.queue.retry(before, 1);
    // It may be on the reader's list.
    expect((await states.next()).value).toMatchObject({ id: before.id, status: 'Pending' });
    await test.queue.cancel(before);
    expect((await states.next()).value).toMatchObject({ id: before.id, status: 'Canceled' });
    const next = states.next();
    const all = await watchAll(ADMIN, { caller: 'zoe' });
    const added = await test.add(plain, 'x', { caller: 'zoe' });
    // Both subscriptions have read it, in one step.
    expect((await all.next()).value).toMatchObject({ id: added.id, status: 'Pending', attempt: 0 });
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      throw new Error(text);
    });
    test.work();
    await started.reached;
    release.reach();
    await until(all, ({ id, attempt }) => id === added.id && attempt === 1);
    await test.queue.cancel(added);
    expect((await next).value).toMatchObject({ id: added.id, status: 'Canceled' });
  });

  it('leave states out for a slow reader, but not the last', async () => {
    const STEPS = 60;
    const release = signal();
    plain.runs(async ({ text }, job) => {
      if (text !== 'steps') throw new JobError('FAILED', 'The job failed on purpose.', { retry: false });
      await release.reached;
      for (let step = 1; step <= STEPS; step += 1) await job.progress(step, `step ${step}`);
      return { text };
    });
    const states = await watchAll(ADMIN, { caller: 'slow' });
    const job = await test.add(plain, 'steps', { caller: 'slow' });
    test.work();
    const first = await states.next();
    expect(first.value).toMatchObject({ id: job.id });
    release.reach();
    await test.finish(job);
    const rest = await until(states, isDone);
    expect(rest.length).toBeLessThan(STEPS / 2);
    expect(rest.at(-1)).toMatchObject({ status: 'Succeeded' });
  });

  it('end when their reader is gone, and cost nothing then', async () => {
    const gone = new AbortController();
    const states = await test.service.watchAll({}, ADMIN, gone.signal);
    const next = states.next();
    gone.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    const unread = new AbortController();
    await test.service.watchAll({}, ADMIN, unread.signal);
    unread.abort();
  });

  it.skipIf(backend === 'embedded')('end after an outage of the store, as changes may have been missed', async () => {
    const proxy = await startTcpProxy(test.url ?? '');
    onTestFinished(() => proxy.close());
    const side = await test.otherSide(proxy.url);
    const states = await side.service.watchAll({ caller: 'nobody' }, ADMIN, never);
    const end = states.next();
    const unblock = proxy.block();
    await test.add(plain, 'x', { caller: 'ada' });
    unblock();
    expect(await end).toEqual({ done: true, value: undefined });
    expect(await showsAgain(side)).toMatchObject({ caller: 'ada' });
  });

  /** Subscribes when the store is back, and adds a job, until it is shown: the events of each type break off and come back by themselves. */
  async function showsAgain(side: QueueSide): Promise<Job> {
    for (;;) {
      try {
        const states = await side.service.watchAll({}, ADMIN, never);
        const { id } = await test.add(plain, 'x', { caller: 'ada' });
        for await (const job of states) if (job.id === id) return job;
      } catch (error) {
        expect(error).toMatchObject({ problem: 'queue-unavailable' });
      }
    }
  }
});
