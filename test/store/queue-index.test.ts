import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import type { JobStatus } from '../../src/core/job.ts';
import { newJobId } from '../../src/core/job-id.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { poll } from '../support/follow.ts';
import { installServers } from '../support/install-servers.ts';
import { openSide, scripted, setUpQueue, signal } from '../support/queue.ts';
import { startRedis } from '../support/servers.ts';

const CALLER = 'somebody';
const MANY = 200;
const key = (set: string): string => `accepted:{plain}:index:${set}:${CALLER}`;

describe('the index of lists on Redis', () => {
  const plain = scripted('plain');
  const test = setUpQueue('redis', [plain]);
  const open = (): Redis => {
    const admin = new Redis(test.url ?? '');
    onTestFinished(() => admin.disconnect());
    return admin;
  };
  const setsOf = async (admin: Redis, id: string): Promise<string[]> => {
    const sets = ['open', 'Succeeded', 'Failed', 'Canceled'];
    const scores = await Promise.all(sets.map((set) => admin.zscore(key(set), id)));
    return sets.filter((_, place) => scores[place] !== null);
  };

  it('has a finished job in the set of its status alone', async () => {
    const admin = open();
    plain.runs(async ({ text }, job) => {
      if (text === 'again' && job.attempt === 1) throw new Error('on purpose');
      if (text === 'fail') throw new JobError('FAILED', 'The job failed on purpose.', { retry: false });
      return { text };
    });
    const jobs = await Promise.all(
      ['succeed', 'again', 'fail'].map((text) => test.add(plain, text, { caller: CALLER })),
    );
    for (const { id } of jobs) expect(await setsOf(admin, id)).toEqual(['open']);
    test.work();
    const ended = jobs.map(async (job) => {
      const { status } = await test.finish(job);
      // The entry of its status is there before the job has that status; the other one goes a moment later.
      expect(await setsOf(admin, job.id)).toContain(status);
      const sets = await poll(
        () => setsOf(admin, job.id),
        ({ length }) => length === 1,
      );
      return { status, sets };
    });
    expect(await Promise.all(ended)).toEqual([
      { status: 'Succeeded', sets: ['Succeeded'] },
      { status: 'Succeeded', sets: ['Succeeded'] },
      { status: 'Failed', sets: ['Failed'] },
    ]);
  });

  it('lists a job as unfinished when its worker had lost the lock before the end', async () => {
    const admin = open();
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    const { id } = await test.add(plain, 'lost', { caller: CALLER });
    const workers = test.startWorkers();
    await started.reached;
    await admin.del(`accepted:{plain}:${id}:lock`);
    release.reach();
    await workers.close(5000);
    const list = async (status: JobStatus): Promise<string[]> => {
      const query = { caller: CALLER, types: ['plain'], after: undefined, limit: 100 };
      return (await test.queue.list({ ...query, statuses: [status] })).jobs.map((job) => job.id);
    };
    expect(await list('Pending')).toContain(id);
    expect(await list('Succeeded')).not.toContain(id);
  });
});

it('publishes all changes of one turn in one command', async () => {
  const server = await startRedis(installServers());
  onTestFinished(() => server.stop());
  const { type } = scripted('plain');
  const side = await openSide({ url: server.url, embedded: createEmbeddedStore(''), types: [type] });
  onTestFinished(() => side.close());
  const admin = new Redis(server.url);
  onTestFinished(() => admin.disconnect());
  const job = { type: 'plain', caller: CALLER, maxAttempts: 1, input: { text: 'x' }, requestId: 'test' };
  for (let count = 0; count < MANY; count += 1)
    await side.queue.add({ ...job, id: newJobId('plain'), createdAt: new Date() });
  await admin.config('RESETSTAT');
  const workers = side.startWorkers();
  onTestFinished(() => workers.close(5000));
  await poll(
    () => admin.zcard(key('Succeeded')),
    (count) => count === MANY,
  );
  const scripts = [...(await admin.info('commandstats')).matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)];
  // For each job BullMQ's command, and at most one for its end and the start of the next; a few more look for marks and lost workers.
  expect(scripts.reduce((sum, [, calls]) => sum + Number(calls), 0)).toBeLessThan(MANY * 2.25);
});
