import { describe, expect, it, onTestFinished } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { JobError } from '../../src/core/job-error.ts';
import { type Job, type JobStatus, isDone } from '../../src/core/job.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const CANCELED = { status: 'Canceled', error: { code: 'JOB_CANCELED', message: 'The job was canceled.' } };

describe.each(BACKENDS)('cancellation on %s', (backend) => {
  const plain = scripted('plain');
  /** Its next attempt comes long after the test. */
  const patient = scripted('patient', { backoffSeconds: 100_000 });
  const test = setUpQueue(backend, [plain, patient]);
  const { add, read, finish, work } = test;
  /** The status in which a cancellation leaves a job; undefined if it was done. */
  const cancel = async (job: Job, { queue }: Pick<typeof test, 'queue'> = test): Promise<JobStatus | undefined> =>
    (await queue.cancel(job))?.status;

  /** Runs one job to the end, so that whatever else was to run has begun. */
  const runAnother = async (): Promise<void> => {
    plain.runs(async ({ text }) => ({ text }));
    await finish(await add(plain, 'another'));
  };

  it('ends a pending job at once, and it never runs', async () => {
    const ran: string[] = [];
    plain.runs(async ({ text }) => {
      ran.push(text);
      return { text };
    });
    const job = await add(plain, 'canceled');
    expect(await cancel(job)).toBe('Canceled');
    expect(await read(job)).toMatchObject({ ...CANCELED, attempt: 0, startedAt: null, history: [] });
    expect(await cancel(job)).toBeUndefined();
    const next = await add(plain, 'next');
    work();
    await finish(next);
    expect(ran).toEqual(['next']);
    expect(await read(job)).toMatchObject(CANCELED);
  });

  it('shows at once that a running job was told to stop, to followers too', async () => {
    const started = signal();
    const release = signal();
    const ignore = (): void => undefined;
    // A worker of BullMQ's own does not look for cancellations.
    const worker = await test.backend.createWorker(
      'plain',
      async () => {
        started.reach();
        await release.reached;
        return { text: 'done' };
      },
      { lockDuration: 60_000, onCompleted: ignore, onFailed: ignore, onRenewed: ignore, onLost: ignore },
    );
    onTestFinished(async () => {
      release.reach();
      await worker.close();
    });
    const job = await add(plain);
    await started.reached;
    const other = await test.otherSide();
    const states = other.service.watch(job.id, ANONYMOUS, new AbortController().signal);
    const { value: running } = await states.next();
    expect(running).toMatchObject({ status: 'Running' });
    expect(running).not.toHaveProperty('cancelRequested');
    const next = states.next();
    const canceling = { ...running, cancelRequested: true };
    const asked = performance.now();
    expect(await test.queue.cancel(job)).toEqual(canceling);
    expect((await next).value).toEqual(canceling);
    // Without an event, followers read the job again after 5 s.
    expect(performance.now() - asked).toBeLessThan(4000);
    const last = states.next();
    expect(await test.queue.cancel(job)).toEqual(canceling);
    release.reach();
    const { value: done } = await last;
    expect(done).toMatchObject({ status: 'Canceled' });
    expect(done).not.toHaveProperty('cancelRequested');
  });

  it('ends a job that waits for its next attempt at once', async () => {
    patient.runs(async () => {
      throw new Error('not yet');
    });
    const job = await add(patient);
    work();
    await poll(
      () => read(job),
      (now) => now?.status === 'Pending' && now.attempt === 1,
    );
    expect(await cancel(job)).toBe('Canceled');
    const done = await read(job);
    expect(done).toMatchObject({ ...CANCELED, attempt: 1 });
    expect(done?.history).toMatchObject([{ attempt: 1, error: { code: 'JOB_FAILED' } }]);
  });

  it('aborts the signal of a function that runs elsewhere within a second, and ends without another attempt', async () => {
    const started = signal();
    const aborted = signal<number>();
    let runs = 0;
    plain.runs(async (_, { signal: stop }) => {
      runs += 1;
      stop.addEventListener('abort', () => aborted.reach(performance.now()));
      started.reach();
      await aborted.reached;
      throw stop.reason;
    });
    const job = await add(plain);
    work(await test.otherSide());
    await started.reached;
    const canceledAt = performance.now();
    expect(await cancel(job)).toBe('Running');
    expect((await aborted.reached) - canceledAt).toBeLessThan(1000);
    expect(await finish(job)).toMatchObject({ ...CANCELED, attempt: 1 });
    expect(await cancel(job)).toBeUndefined();
    await runAnother();
    expect(runs).toBe(1);
    expect(await read(job)).toMatchObject(CANCELED);
  });

  it('ends without a function that ignores its signal, and drops its late result', async () => {
    const started = signal();
    const release = signal();
    const returned = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      returned.reach();
      return { text };
    });
    const job = await add(plain);
    work();
    await started.reached;
    await cancel(job);
    const done = await finish(job);
    expect(done).toMatchObject(CANCELED);
    release.reach();
    await returned.reached;
    await runAnother();
    expect(await read(job)).toEqual(done);
  });

  it.each([
    ['returns', ({ text }: { text: string }) => ({ text })],
    [
      'fails for good',
      (): never => {
        throw new JobError('FOR_GOOD', 'The job failed on purpose.', { retry: false });
      },
    ],
  ])('ends a job canceled whose function %s before its worker heard of it', async (_, end) => {
    const started = signal();
    const release = signal();
    plain.runs(async (input) => {
      started.reach();
      await release.reached;
      return end(input);
    });
    const job = await add(plain);
    work();
    await started.reached;
    const canceled = cancel(job).then((answer) => {
      release.reach();
      return answer;
    });
    expect(await canceled).toBe('Running');
    const done = await finish(job);
    expect(done).toMatchObject(CANCELED);
    expect(done).not.toHaveProperty('result');
  });

  it('ends a job whose attempt fails meanwhile at once, and not after the wait for the next one', async () => {
    const started = signal();
    const release = signal();
    patient.runs(async () => {
      started.reach();
      await release.reached;
      throw new Error('failed while it was canceled');
    });
    const job = await add(patient);
    work();
    await started.reached;
    expect(await cancel(job)).toBe('Running');
    release.reach();
    expect(await finish(job)).toMatchObject({ ...CANCELED, attempt: 1 });
  });

  it('ends a job that its worker hands back', async () => {
    const started = signal();
    plain.runs(async () => {
      started.reach();
      return signal<{ text: string }>().reached;
    });
    const job = await add(plain);
    const workers = test.startWorkers();
    await started.reached;
    expect(await cancel(job)).toBe('Running');
    await workers.close(0);
    expect(await read(job)).toMatchObject(CANCELED);
  });

  it('gives every reader the same winner of a race with the end', { timeout: 120_000 }, async () => {
    const other = await test.otherSide();
    const rounds = 4;
    const atOnce = 40;
    const release: (() => void)[] = [];
    plain.runs(async ({ text }) => {
      const { reached, reach } = signal();
      release.push(reach);
      await reached;
      return { text };
    });
    work();
    work(other);
    const seen: (JobStatus | undefined)[] = [];
    for (let round = 0; round < rounds; round += 1) {
      release.length = 0;
      const jobs = await Promise.all(Array.from({ length: atOnce }, () => add(plain)));
      await poll(
        async () => release.length,
        (running) => running === 10,
      );
      const answers = jobs.map(async (job, index) => {
        // Each a little later than the one before; half of them by way of the other side.
        for (let turn = 0; turn < index; turn += 1) await new Promise(setImmediate);
        const answer = await cancel(job, index % 2 === 0 ? test : other);
        return [job, answer] as const;
      });
      for (const reach of release) reach();
      for (const [job, answer] of await Promise.all(answers)) {
        // Those that began later end too.
        for (const reach of release) reach();
        seen.push(answer);
        const done = await finish(job);
        expect(done.status).toBe(answer === undefined ? 'Succeeded' : 'Canceled');
        const later = await other.queue.read(job.id, job.type);
        expect(later).toEqual(done);
        expect(later && isDone(later)).toBe(true);
      }
    }
    expect(seen.filter((answer) => answer !== undefined).length).toBeGreaterThan(0);
    expect(seen).toContain(undefined);
  });
});
