import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
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

  it('has a job in the set of its status, and in no other, from the moment on in which it ends', async () => {
    const admin = open();
    plain.runs(async ({ text }, job) => {
      if (text === 'again' && job.attempt === 1) throw new Error('as told');
      if (text === 'fail') throw new JobError('FAILED', 'As told.', { retry: false });
      return { text };
    });
    const jobs = await Promise.all(
      ['succeed', 'again', 'fail'].map((text) => test.add(plain, text, { caller: CALLER })),
    );
    for (const { id } of jobs) expect(await setsOf(admin, id)).toEqual(['open']);
    test.work();
    const ended = jobs.map(async (job) => {
      const { status } = await test.finish(job);
      return { status, sets: await setsOf(admin, job.id) };
    });
    expect(await Promise.all(ended)).toEqual([
      { status: 'Succeeded', sets: ['Succeeded'] },
      { status: 'Succeeded', sets: ['Succeeded'] },
      { status: 'Failed', sets: ['Failed'] },
    ]);
  });

  it('keeps a job where it is whose worker had lost it before it was done', async () => {
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
    expect(await setsOf(admin, id)).toEqual(['open']);
  });
});

it('ends a job, lists it and takes up the next one in a single command to Redis', async () => {
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
  // A few more begin the first jobs, and look for marks and for lost workers.
  expect(scripts.reduce((sum, [, calls]) => sum + Number(calls), 0)).toBeLessThan(MANY * 1.25);
});
