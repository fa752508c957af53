import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../src/core/define-job.ts';
import { JobError } from '../../src/core/job-error.ts';
import type { Job } from '../../src/core/job.ts';
import { newJobId } from '../../src/core/job-id.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });

/** A job type with one more field, as a newer version of the software has it. */
const versioned = (input: z.ZodObject) =>
  defineJob({
    name: 'versioned',
    collection: 'versioned-jobs',
    description: 'Changes with a deploy.',
    input,
    result: z.object({ input: z.json() }),
    backoffSeconds: 0.01,
    run: (value) => ({ input: z.json().parse(value) }),
  });
const older = versioned(z.object({ text: z.string() }));
const newer = versioned(z.object({ text: z.union([z.string(), z.int()]), size: z.int().default(1) }));

describe.each(BACKENDS)('on %s', (backend) => {
  const plain = scripted('plain', { attempts: 1 });
  const brief = scripted('brief', { attempts: 2, outageSeconds: 1 });
  const strict = scripted('strict', { attempts: 2, outageSeconds: 0 });
  const test = setUpQueue(backend, [plain, brief, strict, { type: older, runs: () => undefined }]);
  const { add, finish, work } = test;

  const addVersioned = async (input: unknown): Promise<Job> => {
    const id = newJobId('versioned');
    const job = {
      id,
      type: 'versioned',
      createdAt: new Date(),
      maxAttempts: 3,
      caller: 'anonymous',
      requestId: 'test',
    };
    return test.queue.add({ ...job, input });
  };
  const waits = (job: Job) =>
    poll(
      () => test.read(job),
      (now) => now?.status === 'Pending' && now.message !== null,
    );

  it.each([
    ['a connection error', refused, 'The job waits, because something that it needs cannot be reached.'],
    ['the connection error in its cause', new TypeError('fetch failed', { cause: refused }), /cannot be reached/],
    ['retryAfter', new JobError('BUSY', 'The printer is busy.', { retryAfter: 0.01 }), 'The printer is busy.'],
  ])('an attempt that ends with %s does not count, and the job waits with a message', async (_, error, message) => {
    const up = signal();
    let isUp = false;
    let runs = 0;
    plain.runs(async ({ text }) => {
      runs += 1;
      if (isUp || runs > 4) return { text };
      if (runs > 2) await up.reached;
      throw error;
    });
    const job = await add(plain);
    work();
    const seen = new Set<string | null>();
    await poll(
      async () => {
        const now = await test.read(job);
        if (now?.status === 'Pending') seen.add(now.message);
        return runs;
      },
      (count) => count > 2,
    );
    expect(await test.read(job)).toMatchObject({
      status: 'Running',
      attempt: 1,
      message: expect.stringMatching(message),
    });
    isUp = true;
    up.reach();
    expect(await finish(job)).toMatchObject({
      status: 'Succeeded',
      attempt: 1,
      maxAttempts: 1,
      message: null,
      history: [],
    });
  });

  it('an outage that lasts longer than the type allows uses up attempts, and after a retry it is another outage', async () => {
    brief.runs(async () => {
      throw refused;
    });
    const job = await add(brief);
    work();
    expect(await finish(job)).toMatchObject({ status: 'Failed', attempt: 2, error: { code: 'JOB_FAILED' } });
    let runs = 0;
    brief.runs(async ({ text }) => {
      runs += 1;
      if (runs <= 2) throw refused;
      return { text };
    });
    await test.queue.retry(job, 2);
    const done = await poll(
      () => test.read(job),
      (now) => now?.status === 'Succeeded',
    );
    expect(done).toMatchObject({ attempt: 3 });
  });

  it.each([
    ['a type without outageSeconds', strict, refused, 2],
    ['retry: false beside retryAfter', plain, new JobError('NO', 'Never.', { retry: false, retryAfter: 1 }), 1],
  ])('counts each attempt of %s', async (_, type, error, attempt) => {
    type.runs(async () => {
      throw error;
    });
    const job = await add(type);
    work();
    expect(await finish(job)).toMatchObject({ status: 'Failed', attempt });
  });

  it('a job that waits can be canceled', async () => {
    plain.runs(async () => {
      throw new JobError('BUSY', 'Busy.', { retryAfter: 1000 });
    });
    const job = await add(plain);
    work();
    await waits(job);
    expect(await test.queue.cancel(job)).toMatchObject({ status: 'Canceled' });
  });

  it('a worker drops fields that it does not know of a job that a newer version accepted', async () => {
    const job = await addVersioned({ text: 'a', size: 2 });
    work();
    expect(await finish(job)).toMatchObject({ status: 'Succeeded', result: { input: { text: 'a' } } });
  });

  it('a job that the worker’s schema refuses waits for a worker of another version', async () => {
    const job = await addVersioned({ text: 5 });
    const workers = test.startWorkers();
    expect(await waits(job)).toMatchObject({ attempt: 0, message: 'The job waits for a worker of another version.' });
    await workers.close(5000);
    work(await test.otherSide(undefined, [newer]));
    expect(await finish(job)).toMatchObject({
      status: 'Succeeded',
      attempt: 1,
      message: null,
      result: { input: { text: 5, size: 1 } },
    });
  });

  it('and fails with INVALID_INPUT when it has waited for too long', async () => {
    const job = await addVersioned({ text: 5 });
    const workers = test.startWorkers();
    await waits(job);
    await workers.close(5000);
    const stored = await (await test.openBullmq('versioned')).getJob(job.id);
    const { wait } = z.object({ wait: z.object({ since: z.number() }) }).parse(stored?.data);
    await stored?.updateData({ ...stored.data, wait: { ...stored.data.wait, since: wait.since - 300_000 } });
    work();
    expect(await finish(job)).toMatchObject({ status: 'Failed', attempt: 1, error: { code: 'INVALID_INPUT' } });
  });
});
