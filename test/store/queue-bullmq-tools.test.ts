import { describe, expect, it } from 'vitest';
import { type Job, type JobStatus, jobStatusSchema } from '../../src/core/job.ts';
import { JobError } from '../../src/core/job-error.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const MANY = 700;
let callers = 0;

/** What operators do with BullMQ's own methods, or with a board that calls them. */
describe.each(BACKENDS)('BullMQ’s tools on %s', (backend) => {
  const plain = scripted('plain', { attempts: 1 });
  const test = setUpQueue(backend, [plain]);
  const { add, finish, work } = test;

  async function list(
    caller: string,
    statuses: readonly JobStatus[] = jobStatusSchema.options,
    limit = 1,
  ): Promise<readonly Job[]> {
    const { jobs } = await test.queue.list({ caller, types: ['plain'], statuses, after: undefined, limit });
    return jobs;
  }
  const newCaller = (): string => `caller-${(callers += 1)}`;
  /** Not all at once, which would take the embedded store longer than a submission waits. */
  async function addMany(caller: string, count: number): Promise<Job[]> {
    const jobs: Job[] = [];
    while (jobs.length < count) {
      const length = Math.min(50, count - jobs.length);
      jobs.push(...(await Promise.all(Array.from({ length }, () => add(plain, 'hello', { caller })))));
    }
    return jobs;
  }
  /** A job that was canceled while it ran, and so ends after its mark. */
  async function cancelRunning(): Promise<Job> {
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    const job = await add(plain);
    const workers = test.startWorkers();
    await started.reached;
    expect(await test.queue.cancel(job)).toMatchObject({ status: 'Running' });
    expect(await finish(job)).toMatchObject({ status: 'Canceled' });
    release.reach();
    await workers.close(5000);
    plain.runs(async ({ text }) => ({ text }));
    return job;
  }

  it('drain(): lists are read as ever', async () => {
    const caller = newCaller();
    await addMany(caller, MANY);
    await (await test.openBullmq('plain')).drain(true);
    for (const statuses of [jobStatusSchema.options, ['Pending'], ['Running', 'Failed']] as const) {
      expect(await list(caller, statuses)).toEqual([]);
    }
    const [later] = await addMany(caller, 1);
    expect(await list(caller)).toMatchObject([{ id: later?.id }]);
    await test.queue.cancel(later ?? expect.fail('no job'));
  });

  it('clean(): a removed job is in no list, and the others are', async () => {
    const caller = newCaller();
    const jobs = await addMany(caller, 3);
    const workers = test.startWorkers();
    await Promise.all(jobs.map(finish));
    await workers.close(5000);
    await (await test.openBullmq('plain')).clean(0, 1000, 'completed');
    expect(await list(caller, ['Succeeded'])).toEqual([]);
    const [later] = await addMany(caller, 1);
    expect(await list(caller, undefined, 10)).toMatchObject([{ id: later?.id }]);
    await test.queue.cancel(later ?? expect.fail('no job'));
  });

  it.each([
    [
      'while it waited',
      async () => {
        const job = await add(plain);
        await test.queue.cancel(job);
        return job;
      },
    ],
    ['while it ran', cancelRunning],
  ])('retry() of a job that was canceled %s: it runs, and succeeds', async (_, cancel) => {
    const job = await cancel();
    await (await (await test.openBullmq('plain')).getJob(job.id))?.retry('failed');
    expect(await test.read(job)).toMatchObject({ status: 'Pending' });
    work();
    const done = await poll(
      () => test.read(job),
      (now) => now?.status === 'Succeeded',
    );
    expect(done).toMatchObject({ result: { text: 'hello' } });
    await expect(test.queue.retry(job, 1)).resolves.toBeUndefined();
  });

  it('retryJobs(): failed jobs run again, and are listed by their status', async () => {
    const caller = newCaller();
    plain.runs(async () => {
      throw new JobError('FAILED', 'On purpose.', { retry: false });
    });
    const jobs = await addMany(caller, 5);
    const failing = test.startWorkers();
    await Promise.all(jobs.map(finish));
    await failing.close(5000);
    plain.runs(async ({ text }) => ({ text }));
    await (await test.openBullmq('plain')).retryJobs({ state: 'failed' });
    expect(await list(caller, undefined, 10)).toHaveLength(5);
    expect(await list(caller, ['Failed'], 10)).toEqual([]);
    expect(await list(caller, ['Pending'], 10)).toHaveLength(5);
    work();
    await poll(
      () => list(caller, ['Succeeded'], 10),
      ({ length }) => length === 5,
    );
    expect(await list(caller, ['Failed', 'Pending', 'Running', 'Canceled'], 10)).toEqual([]);
  });

  it('add(): a copy of a job runs, and no list links to its id, which clients cannot use', async () => {
    const caller = newCaller();
    const job = await add(plain, 'copied', { caller });
    const queue = await test.openBullmq('plain');
    const data: unknown = (await queue.getJob(job.id))?.data;
    const copy = await queue.add(caller, data);
    const without = await queue.add(caller, null, { attempts: 1 });
    expect(await list(caller, ['Pending'], 10)).toMatchObject([{ id: job.id }]);
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    work();
    await started.reached;
    expect((await list(caller, ['Running'], 10)).map(({ id }) => id)).not.toContain(copy.id);
    release.reach();
    await finish(job);
    await poll(
      async () => (await queue.getJob(copy.id ?? ''))?.getState(),
      (state) => state === 'completed',
    );
    // One whose data is not ours waits for a worker that can read it.
    await poll(
      async () => (await queue.getJob(without.id ?? ''))?.getState(),
      (state) => state === 'delayed',
    );
    expect(await list(caller, undefined, 10)).toMatchObject([{ id: job.id }]);
    expect(await list(caller, ['Succeeded'], 10)).toMatchObject([{ id: job.id }]);
  });
});
