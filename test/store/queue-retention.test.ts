import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import type { ServiceError } from '../../src/core/errors.ts';
import type { DoneJob, Job } from '../../src/core/job.ts';
import { JobError } from '../../src/core/job-error.ts';
import { newJobId } from '../../src/core/job-id.ts';
import type { JobService } from '../../src/core/service/service.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { removeExpired, startRetention } from '../../src/queue/retention.ts';
import { type WiredQueue, wireQueue } from '../../src/queue/wire-queue.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { dumpStore } from '../support/dump.ts';
import { poll } from '../support/follow.ts';
import { type QueueSide, type ScriptedType, type TestQueue, scripted, setUpQueue } from '../support/queue.ts';
import { BACKENDS, createStore } from '../support/stores.ts';

const RETENTION_SECONDS = 2;
const DAY_MS = 86_400_000;
/** Part of everything that a caller or a function put into a job, and of nothing else. */
const MARK = 'zq7x';

describe.each(BACKENDS)('retention on %s', (backend) => {
  const plain = scripted('plain');
  const test = setUpQueue(backend, [plain], { retentionSeconds: RETENTION_SECONDS });

  it('removes every copy of what was in a job, and nothing of others', async () => {
    plain.runs(async ({ text }, job) => {
      await job.progress(50, `${MARK} half`);
      if (text.includes('throw')) throw new JobError('BAD', `${MARK} bad`, { retry: text.includes('again') });
      return { text };
    });
    const submit = async (text: string) =>
      (
        await test.service.submit({
          type: plain.type,
          input: { text: `${MARK} ${text}` },
          caller: ANONYMOUS,
          requestId: `${MARK}-request`,
          idempotencyKey: `${MARK}-${text}`,
        })
      ).job;
    const canceled = await test.add(plain, `${MARK} canceled`);
    await test.queue.cancel(canceled);
    const workers = test.work();
    const thrown = await submit('throw');
    await test.finish(thrown);
    // Before it expires.
    await test.service.retry(thrown.id, ANONYMOUS);
    await poll(
      () => test.read(thrown),
      (job) => job?.status === 'Failed' && job.attempt === 2,
    );
    const others = await Promise.all(['plain', 'throw again'].map(submit));
    for (const job of others) await test.finish(job);
    const ended = [thrown, ...others];
    await workers.close(5000);
    expect((await leftovers(test, ended)).length).toBeGreaterThan(0);
    const pending = await test.add(plain);
    const retried = await test.add(plain);
    await test.queue.cancel(retried);
    await test.queue.retry(retried, 3);

    const close = startRetention({
      backend: test.backend,
      types: ['plain'],
      retentionSeconds: RETENTION_SECONDS,
      logger: createLogger('silent'),
    });
    onTestFinished(close);
    await poll(
      () => leftovers(test, [...ended, canceled]),
      ({ length }) => length === 0,
    );
    for (const job of [pending, retried]) expect(await test.read(job)).toMatchObject({ status: 'Pending' });
    expect((await leftovers(test, [pending])).length).toBeGreaterThan(0);
  });

  it('lets nobody read, list, cancel or retry a job that has expired, before it is removed', async () => {
    const job = await test.add(plain);
    await test.queue.cancel(job);
    const done = await test.finish(job);
    await poll(
      async () => Date.now(),
      (now) => now > done.expiresAt.getTime(),
    );
    for (const act of [test.service.read, test.service.cancel, test.service.retry]) {
      await expect(act(job.id, ANONYMOUS)).rejects.toMatchObject({ problem: 'expired' });
    }
    const page = await test.service.list(
      { type: undefined, statuses: ['Canceled'], after: undefined, limit: 100 },
      ANONYMOUS,
    );
    expect(page.jobs).toEqual([]);
  });
});

describe.each(BACKENDS)('what has expired on %s', (backend) => {
  const plain = scripted('plain');
  const other = scripted('other');
  const test = setUpQueue(backend, [plain, other]);
  async function finished(): Promise<DoneJob> {
    const job = await test.add(plain);
    await test.queue.cancel(job);
    return test.finish(job);
  }
  const sweep = (side: QueueSide, retentionSeconds: number) =>
    removeExpired(side.backend, 'plain', retentionSeconds * 1000);

  // The embedded store's clock is that of its process.
  it.skipIf(backend === 'embedded')('is for the clock of the store to say, not for that of a process', async () => {
    const job = await finished();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * DAY_MS });
    onTestFinished(() => void vi.useRealTimers());
    await sweep(test, 3600);
    expect(await test.service.read(job.id, ANONYMOUS)).toMatchObject({ id: job.id });
  });

  it('is what the process that accepted a job promised, whatever the retention of another', async () => {
    const brief = await test.otherSide(undefined, undefined, { retentionSeconds: 1 });
    const job = await finished();
    expect(await brief.service.read(job.id, ANONYMOUS)).toMatchObject({ expiresAt: job.expiresAt });
    const own = await brief.service.submit({
      type: plain.type,
      input: { text: 'brief' },
      caller: ANONYMOUS,
      requestId: 'test',
      idempotencyKey: 'brief',
    });
    const canceled = await brief.service.cancel(own.job.id, ANONYMOUS);
    const problemFrom = (service: JobService): Promise<unknown> =>
      service.read(canceled.id, ANONYMOUS).catch((error: ServiceError) => error.problem);
    await poll(
      () => problemFrom(brief.service),
      (problem) => problem === 'expired',
    );
    // Nor can those read it that keep their own jobs for longer.
    expect(await problemFrom(test.service)).toBe('expired');
    await sweep(brief, 1);
    expect(await test.read(canceled)).toBeUndefined();
    expect(await test.read(job)).toMatchObject({ expiresAt: job.expiresAt });
  });

  it('of a type whose file is gone is removed, and clients read the rest', async () => {
    const job = await finished();
    const without = await test.otherSide(undefined, [other.type]);
    expect(await without.service.read(job.id, ANONYMOUS)).toMatchObject({ status: 'Canceled' });
    expect(await without.backend.addTypes(['other'])).toContain('plain');
    expect(await without.backend.countJobs('plain')).toEqual({ waiting: 0, finished: expect.any(Number) });
    expect(without.queue.has('never')).toBe(false);
    expect(await without.service.read(job.id.replace('plain', 'never'), ANONYMOUS)).toBeUndefined();
  });
});

it.each(['redis', 'postgres'] as const)(
  'a start on %s warns of a clock that differs from that of the store',
  async (backend) => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const warnings: object[] = [];
    const logger = Object.assign(createLogger('silent'), { warn: (fields: object) => void warnings.push(fields) });
    const start = async (): Promise<void> => {
      const embedded = createEmbeddedStore(store.settings.DATA_DIR).pool;
      const types = [scripted('plain').type];
      const wired = wireQueue({ url: store.settings.QUEUE_URL, embedded, types, retentionSeconds: 1, logger });
      onTestFinished(() => wired.close());
      await wired.connect();
      await wired.open({ events: false });
    };
    const clocks = () => warnings.filter((fields) => 'aheadSeconds' in fields);
    await start();
    expect(clocks()).toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - DAY_MS });
    onTestFinished(() => void vi.useRealTimers());
    await start();
    expect(clocks()).toEqual([{ aheadSeconds: expect.closeTo(-86_400, -1) }]);
  },
);

it('a start says in one line what is left of types whose files are gone', async () => {
  const store = await createStore('redis');
  onTestFinished(() => store.remove());
  const lines: object[] = [];
  const logger = Object.assign(createLogger('silent'), {
    warn: (fields: object) => void ('removedTypes' in fields && lines.push(fields)),
  });
  const start = async (type: ScriptedType): Promise<WiredQueue> => {
    const embedded = createEmbeddedStore(store.settings.DATA_DIR).pool;
    const options = { url: store.settings.QUEUE_URL, embedded, types: [type.type], retentionSeconds: 1, logger };
    const wired = wireQueue(options);
    onTestFinished(() => wired.close());
    await wired.connect();
    await wired.open({ events: false });
    return wired;
  };
  const job = {
    id: newJobId('gone'),
    type: 'gone',
    caller: 'a',
    createdAt: new Date(),
    maxAttempts: 1,
    requestId: 'test',
  };
  const before = await start(scripted('gone'));
  await before.queue.add({ ...job, id: newJobId('gone'), input: {} });
  const finished = await before.queue.add({ ...job, input: {} });
  await before.queue.cancel(finished);
  const after = await start(scripted('plain'));
  after.startUpkeep();
  await poll(
    async () => lines,
    ({ length }) => length > 0,
  );
  expect(lines).toEqual([{ removedTypes: { gone: { waiting: 1, finished: 1 } } }]);
  await poll(
    () => after.backend.countJobs('gone'),
    (counts) => counts.finished === 0,
  );
  expect(await after.backend.countJobs('gone')).toEqual({ waiting: 1, finished: 0 });
});

/** What the whole store contains of these jobs: their ids, and all text that was marked. */
async function leftovers(test: TestQueue, jobs: readonly Job[]): Promise<string[]> {
  const marks = [MARK, ...jobs.map(({ id }) => id)];
  const values = await dumpStore(test);
  return values.filter((value) => marks.some((mark) => value.includes(mark)));
}

describe.each(BACKENDS)('the pace on %s', (backend) => {
  const plain = scripted('plain', { concurrency: 1 });
  const test = setUpQueue(backend, [plain]);

  it('is how long jobs take and how many wait, and sets Retry-After', async () => {
    expect(await test.queue.readPace('plain')).toMatchObject({ durationMs: undefined, intervalMs: 0, waiting: 0 });
    const job = await test.add(plain);
    expect(test.service.retryAfter(job)).toBe(1);
    // A job that waits for its own end waits as long as it may.
    plain.runs(async ({ text }, { id, signal: stop }) => {
      await test.service.wait(id, ANONYMOUS, 0.3, stop);
      return { text };
    });
    const others = [await test.add(plain), await test.add(plain)];
    const workers = test.work();
    for (const each of [job, ...others]) await test.finish(each);
    await workers.close(5000);
    const waiting = await Promise.all(Array.from({ length: 40 }, () => test.add(plain)));
    const pace = await test.queue.readPace('plain');
    expect(pace.waiting).toBe(40);
    expect(pace.durationMs).toBeGreaterThanOrEqual(295);
    expect(pace.intervalMs).toBeGreaterThanOrEqual(200);
    const secondsOf = async () => waiting.map((each) => test.service.retryAfter(each) ?? 0).toSorted((a, b) => a - b);
    const seconds = await poll(secondsOf, (told) => told.at(-1) !== 1);
    expect(seconds.at(-1)).toBeGreaterThanOrEqual(9);
    expect(seconds.at(-1)).toBeLessThanOrEqual(60);
    expect(seconds[0]).toBeLessThan(seconds.at(-1) ?? 0);
    for (const each of waiting) await test.queue.cancel(each);
  });
});
