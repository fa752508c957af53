import { describe, expect, it } from 'vitest';
import { createJobReader, createSucceededJobs } from '../../src/queue/job-reader.ts';
import type { JobRecord } from '../../src/queue/job-record.ts';

const record = (id: string): JobRecord => ({
  id,
  type: 'script',
  caller: 'ada',
  state: id.startsWith('done') ? 'completed' : 'waiting',
  mark: null,
  progress: 0,
  result: id === 'done-broken' ? '{' : `{"made":"${id}"}`,
  failedReason: null,
  traces: null,
  attemptsMade: 0,
  retentionMs: null,
  maxAttempts: 3,
  createdAt: Date.now(),
  startedAt: null,
  finishedAt: id.startsWith('done') ? Date.now() : null,
});

/** Reads that are counted. */
function countedReads({ now, retentionMs = 60_000 }: { now?: () => number; retentionMs?: number } = {}) {
  const asked: (readonly string[])[] = [];
  const { read } = createJobReader({
    async readRecords(ids) {
      asked.push(ids);
      if (ids.includes('away')) throw new Error('the store is away');
      return ids.map((id) => (id === 'none' ? undefined : record(id)));
    },
    isShared: () => true,
    retentionMs,
    succeeded: createSucceededJobs(Date.now, now),
  });
  return { asked, read };
}

describe('reads of jobs', () => {
  it('are one question, with each job in it once, if they are asked for at a time', async () => {
    const { asked, read } = countedReads();
    const found = await Promise.all([read('a'), read('none'), read('a'), Promise.resolve().then(() => read('b'))]);
    expect(found.map((job) => job?.id)).toEqual(['a', undefined, 'a', 'b']);
    expect(asked).toEqual([['a', 'none', 'b']]);
  });

  it('are another question, if they are asked for when it has begun', async () => {
    const { asked, read } = countedReads();
    const first = read('a');
    await new Promise((resolve) => void setImmediate(resolve));
    expect(asked).toEqual([['a']]);
    await Promise.all([first, read('a')]);
    expect(asked).toEqual([['a'], ['a']]);
  });

  it('fail together, and the next one is tried', async () => {
    const { asked, read } = countedReads();
    const results = await Promise.allSettled([read('away'), read('a')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await read('a')).toMatchObject({ id: 'a' });
    expect(asked).toEqual([['away', 'a'], ['a']]);
  });

  it('ask for a job that has succeeded once, and again after five seconds', async () => {
    let now = 1;
    const { asked, read } = countedReads({ now: () => now });
    const first = await read('done');
    expect(await read('done')).toBe(first);
    expect(first).toMatchObject({ status: 'Succeeded', result: { made: 'done' } });
    expect(asked).toEqual([['done']]);
    now += 5001;
    expect(await read('done')).not.toBe(first);
    expect(asked).toEqual([['done'], ['done']]);
  });

  it('ask again for a job that has expired: an idempotency key may have given its id to another', async () => {
    const { asked, read } = countedReads({ retentionMs: 0 });
    await read('done');
    await read('done');
    expect(asked).toEqual([['done'], ['done']]);
  });

  it('keep no more of those that have succeeded than there is room for', async () => {
    const { asked, read } = countedReads();
    const large = Array.from({ length: 4 }, (_, index) => `done${index}${'x'.repeat(10_000_000)}`);
    for (const id of large) await read(id);
    await read(large.at(-1) ?? '');
    expect(asked).toHaveLength(4);
    await read(large[0] ?? '');
    expect(asked).toHaveLength(5);
  });

  it('parse a result when somebody wants it, and only then', async () => {
    const { read } = countedReads();
    const job = await read('done-broken');
    expect(job?.status).toBe('Succeeded');
    expect(() => job?.status === 'Succeeded' && job.result).toThrow(SyntaxError);
  });
});
