import { describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import type { SubmitOptions } from '../../src/core/input/submit-options.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue } from '../support/queue.ts';

describe.each([
  ['redis', 'postgres'],
  ['postgres', 'redis'],
  ['embedded', 'redis'],
] as const)('the options of jobs that move from %s to %s', (from, to) => {
  const single = scripted('single', { concurrency: 1 });
  const source = setUpQueue(from, [single]);
  const target = setUpQueue(to, [single]);

  it('apply there', async () => {
    const order: string[] = [];
    single.runs(async ({ text }) => {
      order.push(text);
      return { text };
    });
    const submit = async (text: string, given?: SubmitOptions) => {
      const options = { given, path: [], base: '' };
      const submission = { type: single.type, input: { text }, options, caller: ANONYMOUS, requestId: 'test' };
      return (await source.service.submit(submission)).job;
    };
    const late = await submit('late', { startWithinSeconds: 1, tags: ['moved'] });
    const runAt = new Date(Date.now() + 100);
    const jobs = [
      await submit('default'),
      await submit('low', { priority: 2, tags: ['moved'] }),
      await submit('high', { priority: 9 }),
      await submit('due', { runAt, priority: 5 }),
    ];
    const canceled = await submit('canceled', { tags: ['moved'] });
    await source.queue.cancel(canceled);
    const retried = await submit('retried', { startWithinSeconds: 1 });
    await source.queue.cancel(retried);
    await source.queue.retry(retried, 1);
    let next: string | undefined;
    do {
      const stored = await source.backend.readStored('single', next);
      await target.backend.addStored('single', stored.jobs);
      next = stored.next;
    } while (next !== undefined);

    for (const job of [late, ...jobs]) {
      const moved = await target.read(job);
      expect(moved).toMatchObject({ status: 'Pending', options: job.options ?? undefined });
    }
    const list = async (tag: string) => {
      const query = {
        caller: undefined,
        types: ['single'],
        statuses: ['Pending', 'Canceled'],
        after: undefined,
      } as const;
      return (await target.queue.list({ ...query, tag, limit: 10 })).jobs.map(({ id }) => id);
    };
    const tagged = [late.id, jobs[1]?.id, canceled.id];
    expect(new Set(await list('moved'))).toEqual(new Set(tagged));
    await poll(
      () => target.backend.expire(['single']),
      (ids) => ids.includes(late.id),
    );
    expect(await target.read(late)).toMatchObject({ status: 'Canceled', error: { code: 'JOB_EXPIRED' } });
    target.work();
    await Promise.all([...jobs, retried].map(target.finish));
    expect(order).toEqual(['high', 'due', 'low', 'default', 'retried']);
  });
});
