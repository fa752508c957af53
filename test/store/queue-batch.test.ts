import { describe, expect, it, onTestFinished } from 'vitest';
import { createJobIds } from '../../src/core/access/job-ids.ts';
import { type Batch, MAX_BATCH_ITEMS, tagOfBatch, totalOf } from '../../src/core/batch/batch.ts';
import type { SubmittedBatch } from '../../src/core/batch/submit-batch.ts';
import { JobError } from '../../src/core/job-error.ts';
import { newJobId } from '../../src/core/job-id.ts';
import { toAddition } from '../../src/queue/job-record.ts';
import { principal } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { type QueueSide, scripted, setUpQueue } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const ADA = principal('ada');
const EVE = principal('eve');
const PATH = ['items'];
const NEVER = new AbortController().signal;

const textsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `item ${index}`);
const jobIdsIn = ({ items }: SubmittedBatch): (string | undefined)[] =>
  items.map((item) => ('job' in item ? item.job.id : undefined));

describe.each(BACKENDS)('batches on %s', (backend) => {
  const plain = scripted('plain', { attempts: 1 });
  const other = scripted('other', { attempts: 1, concurrency: 2 });
  const test = setUpQueue(backend, [plain, other]);

  interface Options {
    readonly side?: QueueSide;
    readonly key?: string;
    readonly type?: typeof plain;
  }
  const submit = (inputs: readonly unknown[], { side = test, key, type = plain }: Options = {}) =>
    side.service.submitBatch({
      type: type.type,
      inputs: inputs.map((input) => (typeof input === 'string' ? { text: input } : input)),
      path: PATH,
      caller: ADA,
      requestId: 'test',
      idempotencyKey: key,
    });
  const countsOf = async (id: string) => (await test.service.readBatch(id, ADA))?.counts;
  const resultsOf = async (id: string) => (await Array.fromAsync(await test.service.readBatchJobs(id, ADA))).flat();
  const cancelAll = ({ batch }: SubmittedBatch) => test.service.cancelBatch(batch.id, ADA);

  it('gives each item its job or its error, in order, and adds the jobs of all valid ones', async () => {
    const submitted = await submit(['a', { text: 1 }, 'c', { words: '' }]);
    const { batch, items } = submitted;
    const ids = await createJobIds(test.queue, 3600).ofBatch(batch, 4);
    expect(jobIdsIn(submitted)).toEqual([ids[0], undefined, ids[2], undefined]);
    expect(items[1]).toMatchObject({ error: { problem: 'invalid-input', issues: [{ path: ['text'] }] } });
    expect(items[3]).toMatchObject({ error: { issues: [{ path: ['text'] }, { path: ['words'] }] } });
    expect(batch).toMatchObject({ type: 'plain', caller: 'ada', counts: { pending: 2 } });
    expect(await countsOf(batch.id)).toEqual(batch.counts);
    expect((await resultsOf(batch.id)).map(({ index, job }) => [index, job.id, job.options?.tags])).toEqual([
      [0, ids[0], [tagOfBatch(batch.id)]],
      [2, ids[2], [tagOfBatch(batch.id)]],
    ]);
    // Workers take them in the order of the items.
    const order: string[] = [];
    plain.runs(async ({ text }) => {
      order.push(text);
      return { text };
    });
    test.work();
    await poll(
      () => countsOf(batch.id),
      (counts) => counts?.succeeded === 2,
    );
    expect(order.toSorted()).toEqual(['a', 'c']);
  });

  it('refuses a batch of which no item is valid, with the place of each error, and stores nothing', async () => {
    const refused = submit([{ text: 1 }, {}]);
    await expect(refused).rejects.toMatchObject({
      problem: 'invalid-input',
      issues: [{ path: ['items', 0, 'text'] }, { path: ['items', 1, 'text'] }],
    });
    for (const count of [0, MAX_BATCH_ITEMS + 1])
      await expect(submit(Array.from({ length: count }))).rejects.toMatchObject({ issues: [{ path: PATH }] });
  });

  it('takes 1,000 jobs in one step, and cancels them', async () => {
    const submitted = await submit(textsOf(MAX_BATCH_ITEMS), { type: other });
    expect(new Set(jobIdsIn(submitted)).size).toBe(MAX_BATCH_ITEMS);
    expect(totalOf((await countsOf(submitted.batch.id)) ?? submitted.batch.counts)).toBe(MAX_BATCH_ITEMS);
    expect(await cancelAll(submitted)).toMatchObject({ counts: { pending: 0, canceled: MAX_BATCH_ITEMS } });
  });

  it('makes one batch of many submissions of a key at a time over two processes, and refuses another content', async () => {
    const sides = [test, await test.otherSide()];
    for (const key of ['one', 'two', 'three']) {
      const found = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          submit(['a', {}, 'b'], { key, type: other, side: sides[index % 2] ?? test }),
        ),
      );
      const [first] = found;
      if (first === undefined) expect.fail('no batch');
      expect(found.filter(({ replayed }) => !replayed)).toHaveLength(1);
      for (const each of found) {
        expect(each.batch.id).toBe(first.batch.id);
        expect(jobIdsIn(each)).toEqual(jobIdsIn(first));
        expect(each.items[1]).toMatchObject({ error: { issues: [{ path: ['text'] }] } });
      }
      expect(await countsOf(first.batch.id)).toMatchObject({ pending: 2 });
      for (const inputs of [['a', {}, 'c'], ['a', {}, 'b', 'd'], [{}, 'b'], ['b']])
        await expect(submit(inputs, { key, type: other })).rejects.toMatchObject({ problem: 'idempotency-key-reused' });
      expect(await countsOf(first.batch.id)).toMatchObject({ pending: 2 });
      // A key for one job is another one.
      const single = { type: other.type, input: { text: 'a' }, caller: ADA, requestId: 'test', idempotencyKey: key };
      expect(await test.service.submit(single)).toMatchObject({ replayed: false });
      await cancelAll(first);
    }
  });

  it('takes one of two contents that come with a key at a time, and nothing of the other', async () => {
    const sides = [test, await test.otherSide()];
    for (let round = 0; round < 5; round += 1) {
      const key = `contested ${round}`;
      const contents = [
        ['a', 'b', {}],
        ['a', {}, 'c'],
      ];
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          submit(contents[index % 2] ?? [], { key, type: other, side: sides[index % 2] ?? test }),
        ),
      );
      const accepted = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(accepted).toHaveLength(4);
      const [first] = accepted;
      if (first === undefined) expect.fail('no batch');
      expect(await countsOf(first.batch.id)).toMatchObject({ pending: 2 });
      await cancelAll(first);
    }
  });

  it('stores no job of a batch that reaches the store after its deadline', async () => {
    const id = newJobId('plain');
    const options = { tags: [tagOfBatch(id)] };
    const job = {
      type: 'plain',
      caller: 'ada',
      createdAt: new Date(),
      maxAttempts: 1,
      input: {},
      requestId: '',
      options,
    };
    const additions = textsOf(3).map(() => toAddition({ ...job, id: newJobId('plain') }));
    const queue = test.backend.createQueue('plain');
    onTestFinished(() => queue.close());
    await expect(queue.addBatch(additions, tagOfBatch(id), performance.now() - 1)).rejects.toThrow(/LATE/);
    expect(await countsOf(id)).toBeUndefined();
    expect(
      await test.queue.readSome(
        'plain',
        additions.map((each) => each.id),
      ),
    ).toMatchObject({
      jobs: [undefined, undefined, undefined],
    });
    await queue.addBatch(additions, tagOfBatch(id), performance.now() + 10_000);
    expect(await countsOf(id)).toMatchObject({ pending: 3 });
  });

  it('counts each status, for the caller and for an admin, and follows the changes to the end', async () => {
    const gate = createGate();
    other.runs(async ({ text }) => {
      if (text === 'fails') throw new JobError('BROKEN', 'As scripted.', { retry: false });
      if (text === 'runs') await gate.pass();
      return { text };
    });
    const { batch } = await submit(['fails', 'succeeds', 'runs', 'runs', 'waits'], { type: other });
    const states = test.service.watchBatch(batch.id, ADA, NEVER);
    expect((await states.next()).value).toMatchObject({ counts: { pending: 5 } });
    test.work();
    const expected = { pending: 1, running: 2, succeeded: 1, failed: 1, canceled: 0 };
    let seen: Batch | undefined;
    while (JSON.stringify(seen?.counts) !== JSON.stringify(expected)) seen = (await states.next()).value ?? undefined;
    expect(await test.service.readBatch(batch.id, principal('root', ['admin']))).toEqual(seen);
    expect(await test.service.readBatch(batch.id, EVE)).toBeUndefined();
    await expect(test.service.cancelBatch(batch.id, EVE)).rejects.toMatchObject({ problem: 'not-found' });
    await expect(test.service.watchBatch(batch.id, EVE, NEVER).next()).rejects.toMatchObject({ problem: 'not-found' });
    await expect(test.service.readBatchJobs(batch.id, EVE)).rejects.toMatchObject({ problem: 'not-found' });

    const waiting = test.service.waitForBatch(batch.id, ADA, 50, NEVER);
    expect(await test.service.cancelBatch(batch.id, ADA)).toMatchObject({
      counts: { pending: 0, running: 2, canceled: 1 },
    });
    gate.open();
    const done = { pending: 0, running: 0, succeeded: 1, failed: 1, canceled: 3 };
    expect(await waiting).toMatchObject({ counts: done });
    const rest = await Array.fromAsync(states);
    expect(rest.at(-1)).toMatchObject({ counts: done });
    expect(await countsOf(batch.id)).toEqual(done);
  });

  it('reads large results a few at a time', async () => {
    plain.runs(async ({ text }) => ({ text: text.padEnd(900_000) }));
    const { batch } = await submit(textsOf(5));
    test.work();
    await poll(
      () => countsOf(batch.id),
      (counts) => counts?.succeeded === 5,
    );
    const ids = await createJobIds(test.queue, 3600).ofBatch(batch, 5);
    expect((await test.queue.readSome('plain', ids)).jobs).toHaveLength(3);
    expect((await resultsOf(batch.id)).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
  });

  it('is refused as a whole where there is no room for all of its jobs', async () => {
    const inUse = await test.queue.readDepth('plain', 1000);
    const side = await test.otherSide(test.url, undefined, { maxDepth: inUse + 4 });
    const first = await submit(textsOf(3), { side, key: 'room' });
    await expect(submit(textsOf(2), { side })).rejects.toMatchObject({ problem: 'queue-full' });
    expect(await submit(textsOf(3), { side, key: 'room' })).toMatchObject({
      replayed: true,
      batch: { id: first.batch.id },
    });
    await submit(textsOf(1), { side });
    expect(await test.queue.readDepth('plain', 1000)).toBe(inUse + 4);
  });
});
