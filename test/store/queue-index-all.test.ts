import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Job, JobStatus } from '../../src/core/job.ts';
import { JobError } from '../../src/core/job-error.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

const open = () => false;
const PREFIX = 'accepted:{plain}:index:';
const SETS = ['open', 'Succeeded', 'Failed', 'Canceled'];

describe.each(BACKENDS)('the index over all callers on %s', (backend) => {
  const plain = scripted('plain');
  const test = setUpQueue(backend, [plain]);

  /** Leaves the store as a version without this index would, and maybe with what another process left of it. */
  async function takeIndexAway(left: 'nothing' | 'an index that is not complete'): Promise<void> {
    if (backend === 'redis') {
      const admin = new Redis(test.url ?? '');
      onTestFinished(() => admin.disconnect());
      await admin.del(...[...SETS, 'completed'].map((set) => PREFIX + set));
      return;
    }
    if (backend === 'embedded')
      return void (await test.embedded.pool.query('DROP INDEX bullmq.accepted_all_jobs_by_status'));
    const admin = openPool(test.url, { max: 1 });
    onTestFinished(() => admin.end());
    if (left === 'nothing') await admin.query('DROP INDEX bullmq.accepted_all_jobs_by_status');
    else
      await admin.query(
        `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'bullmq.accepted_all_jobs_by_status'::regclass`,
      );
  }

  const list = async (status: JobStatus): Promise<string[]> => {
    const query = { caller: undefined, types: ['plain'], statuses: [status], after: undefined, limit: 100 };
    return (await test.queue.list(query)).jobs.map(({ id }) => id);
  };

  it.each(['nothing', 'an index that is not complete'] as const)(
    'is completed for the jobs of an earlier version, of which there is %s',
    async (left) => {
      const release = signal();
      const started = signal();
      plain.runs(async ({ text }, job) => {
        if (text === 'run') {
          started.reach();
          await release.reached;
        }
        if (text === 'fail') throw new JobError('FAILED', 'The job failed on purpose.', { retry: false });
        if (text === 'linger') {
          started.reach();
          await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
        }
        return { text };
      });
      const add = (text: string): Promise<Job> => test.add(plain, text, { caller: text });
      const workers = test.startWorkers();
      const [succeeded, failed] = [await test.finish(await add('succeed')), await test.finish(await add('fail'))];
      const lingering = await add('linger');
      await started.reached;
      await test.queue.cancel(lingering);
      await test.finish(lingering);
      const running = await add('run');
      await poll(
        () => test.read(running),
        (now) => now?.status === 'Running',
      );
      const closing = workers.close(5000);
      const canceled = await add('cancel');
      await test.queue.cancel(canceled);
      const pending = await add('wait');
      await takeIndexAway(left);
      await test.backend.completeIndex(['plain'], open);
      expect(await list('Pending')).toContain(pending.id);
      expect(await list('Running')).toContain(running.id);
      release.reach();
      await closing;
      const ends = { Succeeded: [succeeded, running], Failed: [failed], Canceled: [lingering, canceled] } as const;
      for (const status of ['Succeeded', 'Failed', 'Canceled'] as const)
        expect(await list(status)).toEqual(expect.arrayContaining(ends[status].map(({ id }) => id)));
      expect(await list('Failed')).not.toContain(canceled.id);
    },
  );
});

describe('the index over all callers on redis', () => {
  const plain = scripted('plain');
  const test = setUpQueue('redis', [plain]);

  it('is completed in steps, and not again at once', async () => {
    const admin = new Redis(test.url ?? '');
    onTestFinished(() => admin.disconnect());
    const jobs = await Promise.all(
      Array.from({ length: 1200 }, (_, index) => test.add(plain, 'x', { createdAt: new Date(index) })),
    );
    await admin.del(`${PREFIX}open`);
    let checks = 0;
    // Closed in the middle: the steps are not all done.
    await test.backend.completeIndex(['plain'], () => (checks += 1) > 5);
    const some = await admin.zcard(`${PREFIX}open`);
    expect(some).toBeGreaterThan(0);
    expect(some).toBeLessThan(jobs.length);
    await test.backend.completeIndex(['plain'], open);
    expect(await admin.zcard(`${PREFIX}open`)).toBe(some);
    await admin.del(`${PREFIX}completed`);
    await test.backend.completeIndex(['plain'], open);
    expect(await admin.zcard(`${PREFIX}open`)).toBe(jobs.length);
    // Nothing is missing, so that nothing is begun.
    await admin.del(`${PREFIX}completed`);
    await test.backend.completeIndex(['plain'], open);
    expect(await admin.exists(`${PREFIX}completed`)).toBe(0);
  });
});
