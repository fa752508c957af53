import { type Job, Queue, Worker, createPostgresBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { postgresOptions, prefix, queueName } from '../../src/bullmq.ts';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import type { Job as OwnJob } from '../../src/core/job.ts';
import { SCHEDULE_CALLER } from '../../src/core/schedule.ts';
import { toBullmqPool } from '../../src/queue/postgres/pool.ts';
import { QUEUE } from '../../src/queue/schedules.ts';
import { poll } from '../support/follow.ts';
import { type QueueSide, scripted, setUpQueue } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const EACH_SECOND = { cron: '* * * * * *', input: { text: 'scheduled' } };
const EACH_YEAR = { cron: '0 0 1 1 *', timezone: 'Europe/Berlin', input: { text: 'scheduled' } };
const SECOND = 1000;

const dueAt = ({ options }: OwnJob): number => options?.scheduledFor?.getTime() ?? Number.NaN;

async function jobsOf(side: QueueSide): Promise<readonly OwnJob[]> {
  const { jobs } = await side.service.list(
    { type: 'plain', statuses: undefined, after: undefined, limit: 100 },
    ANONYMOUS,
  );
  return jobs.toSorted((a, b) => dueAt(a) - dueAt(b));
}

/** A program of its own on the queue of schedulers. It ends with the test. */
function openScheduler(backend: 'redis' | 'postgres', url: string) {
  const redis = new Redis(backend === 'redis' ? url : '', { maxRetriesPerRequest: null, lazyConnect: true });
  const database = new Pool({ connectionString: url, options: postgresOptions, max: 2 });
  const onRedis = { lockDuration: 2000, connection: redis, prefix };
  const onPostgres = { lockDuration: 2000, connection: toBullmqPool(database) };
  const [worker, queue] =
    backend === 'redis'
      ? [new Worker(queueName(QUEUE), undefined, onRedis), new Queue(queueName(QUEUE), onRedis)]
      : [
          new Worker(QUEUE, undefined, onPostgres, createPostgresBackend),
          new Queue(QUEUE, onPostgres, createPostgresBackend),
        ];
  onTestFinished(async () => {
    await Promise.all([worker.close(true), queue.close()]);
    redis.disconnect();
    await database.end();
  });
  return {
    /** Takes the job that is due, as a worker does that is killed then. */
    async takeAndLeave() {
      const job = await poll(
        () => worker.getNextJob('lost'),
        (taken) => taken !== undefined,
      );
      if (job === undefined) throw new Error('no job');
      return job;
    },
    /** Lets a worker do it again, as it does when the one before was killed after the submission. */
    async repeat({ name, data, opts }: Job, prevMillis: number) {
      await queue.add(name, data, { ...opts, jobId: 'again', delay: 0, prevMillis });
      await poll(
        () => queue.getJob('again'),
        (job) => job === undefined,
      );
    },
  };
}

describe.each(BACKENDS)('a schedule on %s', (backend) => {
  const plain = scripted('plain', { schedule: EACH_SECOND, options: { priority: 3, tags: ['nightly'] } });
  const test = setUpQueue(backend, [plain]);
  const withSchedule = (schedule: typeof EACH_YEAR | undefined) => [scripted('plain', schedule && { schedule }).type];

  it('submits one job at each time, however many processes there are', async () => {
    const other = await test.otherSide();
    for (const side of [test, other]) {
      side.startSchedules();
      test.work(side);
    }
    const jobs = await poll(
      () => jobsOf(test),
      ({ length }) => length >= 3,
    );
    const [first] = jobs;
    expect(jobs.map(dueAt)).toEqual(jobs.map((_, index) => (first ? dueAt(first) + index * SECOND : 0)));
    expect(first).toMatchObject({ caller: SCHEDULE_CALLER, options: { priority: 3, tags: ['nightly'] } });
    expect(await test.queue.readInput(first?.id ?? '', 'plain')).toEqual({ text: 'scheduled' });
    const [type] = await test.service.listTypes(ANONYMOUS);
    expect(type).toMatchObject({
      name: 'plain',
      schedule: { cron: EACH_SECOND.cron, timezone: 'UTC', nextRunAt: expect.any(String) },
    });
  });

  it('submits what was missed for a moment, also with a lost worker, and after that the first job alone', async () => {
    await test.close();
    const side = await test.otherSide();
    const times = async () => (await jobsOf(side)).map(dueAt);
    const missed = await poll(
      async () => (await side.schedules.readNextRuns()).get('plain')?.getTime() ?? Number.NaN,
      (next) => next + 2 * SECOND < Date.now(),
    );
    // Another program cannot use the embedded store.
    const scheduler = backend === 'embedded' ? undefined : openScheduler(backend, test.url ?? '');
    const lost = await scheduler?.takeAndLeave();
    expect(lost?.opts.prevMillis ?? missed).toBe(missed);
    side.startSchedules();
    const made = [missed, missed + SECOND, missed + 2 * SECOND];
    await poll(times, (all) => made.every((time) => all.includes(time)));
    if (scheduler === undefined || lost === undefined) return;
    const longAgo = missed - 3600 * SECOND;
    await scheduler.repeat(lost, missed);
    await scheduler.repeat(lost, longAgo);
    const [first, ...all] = await times();
    expect(first).toBe(longAgo);
    expect(all.filter((time) => time === missed)).toHaveLength(1);
    expect(all.filter((time) => time < missed - 60 * SECOND)).toEqual([]);
  });

  it('changes, and ends, with the code of the process that starts last', async () => {
    const changed = await test.otherSide(undefined, withSchedule(EACH_YEAR));
    changed.startSchedules();
    const newYear = Date.parse(`${new Date().getUTCFullYear()}-12-31T23:00:00Z`);
    await poll(
      async () => (await changed.schedules.readNextRuns()).get('plain')?.getTime(),
      (next) => next === newYear,
    );
    const removed = await test.otherSide(undefined, withSchedule(undefined));
    removed.startSchedules();
    const left = await poll(
      () => changed.schedules.readNextRuns(),
      ({ size }) => size === 0,
    );
    expect(left).toEqual(new Map());
  });

  // The same code on each store.
  it.runIf(backend === 'redis')(
    'submits for a paused type, and leaves out what its full queue has no room for',
    async () => {
      const types = [scripted('plain', { schedule: EACH_SECOND }).type];
      const side = await test.otherSide(undefined, types, { maxDepth: 1 });
      const waiting = async () => (await jobsOf(side)).filter(({ status }) => status === 'Pending');
      test.work(side);
      await poll(waiting, ({ length }) => length === 0);
      await side.queue.pauseType('plain');
      side.startSchedules();
      const [job] = await poll(waiting, ({ length }) => length > 0);
      if (job === undefined) throw new Error('no job');
      await poll(
        async () => (await side.schedules.readNextRuns()).get('plain')?.getTime() ?? 0,
        (next) => next > dueAt(job) + 2 * SECOND,
      );
      expect((await waiting()).map(({ id }) => id)).toEqual([job.id]);

      await side.queue.resumeType('plain');
      await poll(
        () => jobsOf(side),
        (jobs) => jobs.some((later) => dueAt(later) > dueAt(job) + 2 * SECOND),
      );
    },
  );
});
