import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { newJobId } from '../../src/core/job-id.ts';
import type { SubmitOptions } from '../../src/core/input/submit-options.ts';
import { principal } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { type QueueSide, scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const ADA = principal('ada');

interface Given {
  readonly text?: string;
  readonly caller?: typeof ADA;
  readonly type?: ReturnType<typeof scripted>;
  readonly options?: SubmitOptions;
  readonly idempotencyKey?: string;
  readonly side?: QueueSide;
}

describe.each(BACKENDS)('a deduplication id on %s', (backend) => {
  const plain = scripted('plain', { attempts: 1 });
  const other = scripted('other', { attempts: 1 });
  const test = setUpQueue(backend, [plain, other]);
  const { finish, work } = test;

  const submit = async (
    { id = 'report', ttlSeconds, mode }: Partial<NonNullable<SubmitOptions['deduplication']>> = {},
    { text = 'hello', caller = ADA, type = plain, options, idempotencyKey, side = test }: Given = {},
  ): Promise<Job & { readonly replayed: boolean }> => {
    const deduplication = { id, ...(ttlSeconds && { ttlSeconds }), ...(mode && { mode }) };
    const { job, replayed } = await side.service.submit({
      type: type.type,
      input: { text },
      options: { given: { ...options, deduplication }, path: ['options'], base: '' },
      caller,
      requestId: 'test',
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    });
    return { ...job, replayed };
  };

  it('gives the job that waits, of the same caller and type, and hides itself', async () => {
    const first = await submit({}, { options: { tags: ['mine'] } });
    expect(first).toMatchObject({ status: 'Pending', replayed: false });
    expect(await submit({}, { text: 'other' })).toMatchObject({ id: first.id, replayed: true });
    for (const different of [
      await submit({ id: 'another' }),
      await submit({}, { caller: principal('eve') }),
      await submit({}, { type: other }),
    ])
      expect(different.replayed).toBe(false);
    expect((await test.read(first))?.options?.tags).toEqual(['mine']);
    plain.runs(async ({ text }) => ({ text }));
    other.runs(async ({ text }) => ({ text }));
    work();
    expect(await finish(first)).toMatchObject({ status: 'Succeeded', result: { text: 'hello' } });
  });

  it('gives the job the latest input in the mode last, and none of its other fields', async () => {
    const first = await submit({}, { options: { delaySeconds: 2_000_000, priority: 3 }, idempotencyKey: 'k-last' });
    const text = 'a "quoted",\\ text}, é\u{1F600}';
    const last = await submit({ mode: 'last' }, { text });
    expect(last).toMatchObject({ id: first.id, replayed: true, options: { priority: 3 } });
    expect(await test.queue.readInput(first.id, 'plain')).toEqual({ text });
    // The first one still has its own replays, and knows other inputs.
    const again = { options: { delaySeconds: 2_000_000, priority: 3 }, idempotencyKey: 'k-last' };
    expect(await submit({}, again)).toMatchObject({ id: first.id, replayed: true });
    await expect(submit({}, { ...again, text: 'no' })).rejects.toMatchObject({ problem: 'idempotency-key-reused' });
    await test.service.cancel(first.id, ADA);
    expect(await submit()).toMatchObject({ replayed: false });
  });

  it('gives another job once an attempt has begun, and when the time is over', async () => {
    const [started, release] = [signal(), signal()];
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    const first = await submit({ id: 'begun' });
    const worker = work();
    await started.reached;
    const second = await submit({ id: 'begun' });
    expect(second).toMatchObject({ replayed: false });
    expect(second.id).not.toBe(first.id);
    release.reach();
    await finish(first);
    await worker.close(0);
    const old = await submit({ id: 'old', ttlSeconds: 1 }, { options: { delaySeconds: 100 } });
    // The time of the job that waits counts.
    const next = await poll(
      () => submit({ id: 'old', ttlSeconds: 1000 }, { options: { delaySeconds: 100 } }),
      ({ id }) => id !== old.id,
    );
    expect(next.replayed).toBe(false);
  });

  it.each([-3_600_000, 3_600_000])(
    'goes by the clock of the store, where that of an API is %i ms apart',
    async (apartMs) => {
      const submitAt = async (id: string, ms: number, until?: Date): Promise<string> => {
        const createdAt = new Date(Date.now() + ms);
        const deduplication = { id, mode: 'first', ...(until && { until }) } as const;
        const options = { scheduledFor: new Date(createdAt.getTime() + 100_000), deduplication };
        const job = {
          id: newJobId('plain'),
          type: 'plain',
          caller: ADA.id,
          createdAt,
          maxAttempts: 1,
          input: { text: 'apart' },
          requestId: 'test',
          options,
          fingerprint: 'one',
        };
        return (await test.queue.addOnce(job)).job.id;
      };
      const id = `apart ${apartMs}`;
      const now = test.queue.now('plain');
      const first = await submitAt(id, apartMs, new Date(now + 60_000));
      expect(await submitAt(id, 0)).toBe(first);
      const late = await submitAt(`late ${id}`, apartMs, new Date(now - 1));
      expect(await submitAt(`late ${id}`, 0)).not.toBe(late);
    },
  );

  it('makes one job of submissions at the same time, of two processes', async () => {
    const sides = [test, backend === 'embedded' ? test : await test.otherSide(test.url)];
    const jobs = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        submit(
          { id: 'together', mode: 'last' },
          { side: sides[index % 2] ?? test, ...(index % 3 === 0 && { idempotencyKey: `k-${index}` }) },
        ),
      ),
    );
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    expect(jobs.filter(({ replayed }) => !replayed)).toHaveLength(1);
  });
});
