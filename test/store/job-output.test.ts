import { describe, expect, it, onTestFinished } from 'vitest';
import { MAX_OUTPUT_BYTES, MAX_PIECE_BYTES, type OutputPiece } from '../../src/core/output/output.ts';
import { ANONYMOUS, type Caller } from '../../src/core/access/caller.ts';
import type { Job } from '../../src/core/job.ts';
import { removeExpired } from '../../src/queue/retention.ts';
import { principal } from '../support/callers.ts';
import { dumpStore } from '../support/dump.ts';
import { poll } from '../support/follow.ts';
import { type QueueSide, scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const never = new AbortController().signal;

/** Pieces in short: the JSON of a value, or the number of the attempt that a mark begins. */
const inShort = ({ json, attempt }: OutputPiece): string | number => json ?? attempt;

describe.each(BACKENDS)('output of jobs on %s', (backend) => {
  const talker = scripted('talker', { attempts: 3 });
  const test = setUpQueue(backend, [talker]);

  /** Another process, where there can be one. */
  const newSide = async (): Promise<QueueSide> => (backend === 'embedded' ? test : test.otherSide());

  async function readAll(job: Job, caller: Caller = ANONYMOUS, of: QueueSide = test): Promise<OutputPiece[]> {
    const pieces: OutputPiece[] = [];
    for (;;) {
      const page = await of.service.readOutput(job.id, caller, pieces.at(-1)?.sequence ?? 0);
      pieces.push(...page.pieces);
      if (!page.hasMore) return pieces;
    }
  }

  /** Follows a job to its end. */
  async function follow(
    job: Job,
    { after = 0, side = test }: { after?: number; side?: QueueSide } = {},
  ): Promise<OutputPiece[]> {
    const parts: OutputPiece[] = [];
    for await (const part of side.service.watchOutput(job.id, ANONYMOUS, after, never)) parts.push(...part);
    return parts;
  }

  it('reaches readers in order, once, as it is published, in another process too', async () => {
    const first = signal();
    const release = signal();
    talker.runs(async ({ text }, job) => {
      await job.output({ n: 1 });
      await job.output('a');
      first.reach();
      await release.reached;
      await job.output(null);
      return { text };
    });
    const side = await newSide();
    const job = await test.submit(talker);
    const live = side.service.watchOutput(job.id, ANONYMOUS, 0, never);
    const readers = [follow(job), follow(job, { side }), follow(job, { side, after: 1 })];
    const begun: OutputPiece[] = [];
    test.work(await newSide());
    while (begun.length < 2) begun.push(...((await live.next()).value ?? []));
    expect(begun).toEqual([
      { sequence: 1, attempt: 1, json: '{"n":1}' },
      { sequence: 2, attempt: 1, json: '"a"' },
    ]);
    await first.reached;
    release.reach();
    const all = await Promise.all(readers);
    for (const pieces of all.slice(0, 2)) expect(pieces.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(all[2]?.map(inShort)).toEqual(['"a"', 'null']);
    expect((await live.next()).value?.map(inShort)).toEqual(['null']);
    expect(await live.next()).toEqual({ done: true, value: undefined });
    // It is there whole as soon as the job has ended.
    expect((await readAll(job)).map(inShort)).toEqual(['{"n":1}', '"a"', 'null']);
  });

  it('goes on over attempts, with a mark of each further run, and over a retry', async () => {
    talker.runs(async ({ text }, job) => {
      // The second attempt has none.
      if (job.attempt !== 2) await job.output(`of ${job.attempt}`);
      if (job.attempt < 4) throw new Error('on purpose');
      return { text };
    });
    test.work();
    const job = await test.submit(talker);
    await test.finish(job);
    expect((await readAll(job)).map(inShort)).toEqual(['"of 1"', 2, 3, '"of 3"']);
    await test.service.retry(job.id, ANONYMOUS);
    expect((await follow(job, { after: 4 })).map((piece) => [piece.sequence, inShort(piece)])).toEqual([
      [5, 4],
      [6, '"of 4"'],
    ]);
  });

  it('comes before the final state, however short the job, and after the first one', async () => {
    const JOBS = 30;
    talker.runs(async ({ text }, job) => {
      for (let number = 1; number <= 5; number += 1) void job.output(number);
      await job.output('x');
      for (let number = 1; number <= 5; number += 1) void job.output([number]);
      return { text };
    });
    const side = await newSide();
    test.work();
    const jobs = await Promise.all(Array.from({ length: JOBS }, () => test.submit(talker)));
    const seen = await Promise.all(
      jobs.map((job) => Array.fromAsync(side.service.watchNews(job.id, ANONYMOUS, 0, never))),
    );
    for (const news of seen) {
      expect(news[0]).toMatchObject({ kind: 'state' });
      expect(news.at(-1)).toMatchObject({ kind: 'state', job: { status: 'Succeeded' } });
      const pieces = news.flatMap((each) => (each.kind === 'output' ? each.pieces : []));
      expect(pieces.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 11 }, (_, index) => index + 1));
    }
  });

  it('joins texts that are not awaited, and loses none', async () => {
    const words = Array.from({ length: 3000 }, (_, index) => `wörd ${index} 😀`);
    talker.runs(async ({ text }, job) => {
      for (const word of words) void job.output(word);
      void job.output(words.length);
      return { text };
    });
    test.work();
    const job = await test.submit(talker);
    const pieces = await follow(job);
    const values: unknown[] = pieces.map(({ json = '' }) => JSON.parse(json));
    expect(values.at(-1)).toBe(words.length);
    expect(values.slice(0, -1).join('')).toBe(words.join(''));
    expect(pieces.length).toBeLessThan(100);
    expect(pieces.map(({ sequence }) => sequence)).toEqual(pieces.map((_, index) => index + 1));
  });

  it('is refused beyond its sizes, and by the store of a job that has too much', async () => {
    const errors: unknown[] = [];
    const largest = 'x'.repeat(MAX_PIECE_BYTES - 2);
    talker.runs(async ({ text }, job) => {
      const attempt = async (value: unknown) => job.output(value).catch((error: unknown) => errors.push(error));
      for (const value of [undefined, 1n, `${largest}x`]) await attempt(value);
      for (let bytes = 0; bytes < MAX_OUTPUT_BYTES; bytes += MAX_PIECE_BYTES) await attempt(largest);
      await attempt(1);
      await attempt(2);
      return { text };
    });
    test.work();
    const job = await test.submit(talker);
    await test.finish(job);
    expect(errors.map(String)).toEqual([
      'TypeError: job.output: the value is not JSON',
      'TypeError: job.output: the value is not JSON',
      'RangeError: job.output: a piece of 65537 bytes of JSON; the maximum is 65536',
      'RangeError: job.output: the job has as much output as it may have, 16777216 bytes',
      'RangeError: job.output: the job has as much output as it may have, 16777216 bytes',
    ]);
    const page = await test.service.readOutput(job.id, ANONYMOUS, 0);
    expect(page.hasMore).toBe(true);
    expect(page.pieces.length).toBeLessThan(10);
    const pieces = await readAll(job);
    expect(pieces).toHaveLength(MAX_OUTPUT_BYTES / MAX_PIECE_BYTES);
    expect(new Set(pieces.map(({ json }) => json?.length))).toEqual(new Set([MAX_PIECE_BYTES]));
    // A job of that size is removed in steps.
    const { finishedAt } = await test.finish(job);
    await poll(
      () => test.backend.removeFinished('talker', finishedAt.getTime()),
      (removed) => removed === 0,
    );
    expect(await test.backend.readOutput('talker', job.id, 0)).toBeUndefined();
  });

  it('is taken from the worker that has the job, and from nobody else', async () => {
    const running = signal();
    const release = signal();
    let output = async (_value: unknown): Promise<void> => undefined;
    talker.runs(async ({ text }, job) => {
      ({ output } = job);
      await job.output('mine');
      running.reach();
      await release.reached;
      return { text };
    });
    test.work();
    const job = await test.submit(talker);
    await running.reached;
    const run = { token: 'stale', name: 'other', attempt: 1 };
    const other = { from: 0, pieces: ['"theirs"'] };
    expect(await test.backend.storeOutput('talker', job.id, run, other)).toBeUndefined();
    release.reach();
    await test.finish(job);
    expect(await test.backend.storeOutput('talker', job.id, run, other)).toBeUndefined();
    await expect(output('late')).rejects.toThrow('the attempt is over');
    expect((await readAll(job)).map(inShort)).toEqual(['"mine"']);
  });

  it('is stored once, however often a step is repeated whose reply was lost', async () => {
    const job = await test.add(talker);
    const counts: (number | undefined)[] = [];
    const ignore = (): void => undefined;
    const over = signal();
    const worker = await test.backend.createWorker(
      'talker',
      async ({ id = '' }, token = '') => {
        if (id !== job.id) return { text: '' };
        const store = async (name: string, from: number, pieces: string[], attempt = 1) =>
          counts.push(await test.backend.storeOutput('talker', id, { token, name, attempt }, { from, pieces }));
        await store('none', 0, []);
        for (let times = 0; times < 2; times += 1) await store('one', 0, ['1', '2']);
        await store('one', 1, ['2', '3']);
        for (let times = 0; times < 2; times += 1) await store('further', 0, []);
        await store('further', 0, ['4']);
        await store('further', 1, ['5'], 2);
        over.reach();
        return { text: '' };
      },
      { lockDuration: 30_000, onCompleted: ignore, onFailed: ignore, onRenewed: ignore, onLost: ignore },
    );
    await over.reached;
    await worker.close();
    expect(counts).toEqual([0, 2, 2, 2, 0, 0, 1, undefined]);
    expect((await readAll(job)).map(inShort)).toEqual(['1', '2', '3', 1, '4']);
  });

  it('ends with a cancellation, after which nothing is taken', async () => {
    const errors: unknown[] = [];
    const over = signal();
    talker.runs(async ({ text }, job) => {
      try {
        for (;;) await job.output('x');
      } catch (error) {
        errors.push(error);
        over.reach();
      }
      return { text };
    });
    const job = await test.submit(talker);
    const reader = follow(job);
    test.work();
    await poll(
      () => test.service.readOutput(job.id, ANONYMOUS, 0),
      ({ pieces }) => pieces.length > 0,
    );
    await test.service.cancel(job.id, ANONYMOUS);
    await over.reached;
    expect(errors.map(String)).toEqual(['Error: the job was canceled']);
    expect(await test.finish(job)).toMatchObject({ status: 'Canceled' });
    const pieces = await reader;
    expect(pieces.map(({ sequence }) => sequence)).toEqual(pieces.map((_, index) => index + 1));
    expect(await readAll(job)).toHaveLength(pieces.length);
  });

  it('is the caller’s own, and nowhere when the job has expired', async () => {
    talker.runs(async ({ text }, job) => {
      await job.output('zq7x');
      return { text };
    });
    test.work();
    const ada = principal('ada');
    const job = await test.submit(talker, 'x', ada);
    const { finishedAt } = await test.finish(job);
    expect(await readAll(job, ada)).toHaveLength(1);
    expect(await readAll(job, principal('root', ['admin']))).toHaveLength(1);
    const holder: Caller = { kind: 'job-key', jobId: job.id, createdAt: job.createdAt.getTime() };
    expect(await readAll(job, holder)).toHaveLength(1);
    for (const other of [principal('eve'), { ...holder, createdAt: 1 }] as Caller[]) {
      const refused = { problem: other.kind === 'principal' ? 'not-found' : 'expired' };
      await expect(readAll(job, other)).rejects.toMatchObject(refused);
      await expect(test.service.watchOutput(job.id, other, 0, never).next()).rejects.toMatchObject(refused);
    }
    await test.backend.removeFinished('talker', finishedAt.getTime());
    await expect(readAll(job, ada)).rejects.toMatchObject({ problem: expect.stringMatching(/not-found|expired/) });
    expect((await dumpStore(test)).filter((text) => text.includes('zq7x'))).toEqual([]);
  });

  it('is removed after a job that another program removes', async () => {
    talker.runs(async ({ text }, job) => {
      await job.output('zq7y');
      return { text };
    });
    test.work();
    const job = await test.submit(talker);
    await test.finish(job);
    const bullmq = await test.openBullmq('talker');
    await (await bullmq.getJob(job.id))?.remove();
    const left = await poll(
      async () => {
        await removeExpired(test.backend, 'talker', 3_600_000);
        return (await dumpStore(test)).filter((text) => text.includes('zq7y'));
      },
      ({ length }) => length === 0,
    );
    expect(left).toEqual([]);
  });

  it.skipIf(backend === 'embedded')('loses and doubles nothing while connections to the store break', async () => {
    const COUNT = 400;
    const proxies = await Promise.all([startTcpProxy(test.url ?? ''), startTcpProxy(test.url ?? '')]);
    for (const proxy of proxies) onTestFinished(() => proxy.close());
    const [workerSide, readerSide] = await Promise.all(proxies.map(({ url }) => test.otherSide(url)));
    talker.runs(async ({ text }, job) => {
      for (let number = 1; number <= COUNT; number += 1) {
        await job.output(number);
        // On each side, at different steps.
        if (number % 70 === 0) proxies[0]?.cut();
        if (number % 90 === 0) proxies[1]?.cut();
      }
      return { text };
    });
    const job = await test.submit(talker);
    const readers = [follow(job), follow(job, { side: readerSide ?? test })];
    test.work(workerSide);
    for (const pieces of await Promise.all(readers)) {
      const marks = pieces.filter(({ json }) => json === undefined).length;
      expect(pieces.map(({ sequence }) => sequence)).toEqual(pieces.map((_, index) => index + 1));
      expect(pieces.slice(-COUNT).map(inShort)).toEqual(Array.from({ length: COUNT }, (_, index) => `${index + 1}`));
      // One run, unless the worker lost the job.
      if (marks === 0) expect(pieces).toHaveLength(COUNT);
    }
  });

  it('waits for a reader that is slow, and costs nothing for one that is gone', async () => {
    const COUNT = 2000;
    talker.runs(async ({ text }, job) => {
      for (let number = 1; number <= COUNT; number += 1) void job.output([number]);
      return { text };
    });
    const job = await test.submit(talker);
    const gone = new AbortController();
    const left = test.service.watchOutput(job.id, ANONYMOUS, 0, gone.signal);
    const slow = test.service.watchOutput(job.id, ANONYMOUS, 0, never);
    const next = left.next();
    test.work();
    await next;
    gone.abort();
    expect(await left.next()).toEqual({ done: true, value: undefined });
    await test.finish(job);
    // A part at a time, long after the end.
    const parts = await Array.fromAsync(slow);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.flat().map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: COUNT }, (_, index) => index + 1),
    );
    expect(test.listeners()).toBe(0);
  });
});
