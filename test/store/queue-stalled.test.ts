import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import type { Job } from '../../src/core/job.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { openPool } from '../support/postgres.ts';

const BACKENDS = ['redis', 'postgres'] as const;
type Remote = (typeof BACKENDS)[number];

/** How many lost workers the store has counted for a job. */
interface LostWorkers {
  read(id: string): Promise<number>;
  write(id: string, count: number): Promise<void>;
}

const LOST_WORKERS: Readonly<Record<Remote, (url: string) => LostWorkers>> = {
  redis(url) {
    const redis = new Redis(url);
    onTestFinished(() => redis.disconnect());
    return {
      read: async (id) => Number(await redis.hget(`accepted:{plain}:${id}`, 'stc')),
      write: async (id, count) => void (await redis.hset(`accepted:{plain}:${id}`, 'stc', count)),
    };
  },
  postgres(url) {
    const pool = openPool(url, { max: 1 });
    onTestFinished(() => pool.end());
    return {
      async read(id) {
        const { rows } = await pool.query('SELECT stalled_count FROM bullmq.job WHERE id = $1', [id]);
        return Number(rows[0]?.stalled_count);
      },
      async write(id, count) {
        await pool.query('UPDATE bullmq.job SET stalled_count = $2 WHERE id = $1', [id, count]);
      },
    };
  },
};

describe.each(BACKENDS)('a job that lost its worker, on %s', (backend) => {
  const plain = scripted('plain');
  const test = setUpQueue(backend, [plain]);

  it('is quarantined before it runs again', async () => {
    const lost = LOST_WORKERS[backend](test.url ?? '');
    const ran: string[] = [];
    plain.runs(async ({ text }) => {
      ran.push(text);
      return { text };
    });
    const job = await test.add(plain, 'lost');
    await lost.write(job.id, 1);
    test.work();
    expect(await test.finish(job)).toMatchObject({ status: 'Succeeded', attempt: 1 });
    expect(ran).toEqual(['lost']);
    expect(await test.backend.readData('plain', job.id)).toMatchObject({ quarantinedAfter: 1 });
  });

  it('has none when it is retried', async () => {
    const lost = LOST_WORKERS[backend](test.url ?? '');
    plain.runs(async () => {
      throw new JobError('FAILED', 'The job failed on purpose.', { retry: false });
    });
    const job: Job = await test.add(plain);
    await lost.write(job.id, 4);
    const workers = test.startWorkers();
    expect(await test.finish(job)).toMatchObject({ error: { code: 'JOB_STALLED' } });
    await workers.close(5000);
    await test.queue.retry(job, 1);
    expect(await lost.read(job.id)).toBe(0);
    test.work();
    expect(await test.finish(job)).toMatchObject({ error: { code: 'FAILED' } });
  });
});
