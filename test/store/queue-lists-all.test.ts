import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ANONYMOUS, type Principal } from '../../src/core/access/caller.ts';
import { type Job, type JobStatus, isDone, jobStatusSchema } from '../../src/core/job.ts';
import { JobError } from '../../src/core/job-error.ts';
import { cursorSchema } from '../../src/core/service/list-page.ts';
import type { JobFilter } from '../../src/core/service/job-filter.ts';
import { principal } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const SECONDS = 5;
const START = Date.now() - 1_000_000;
const ADMIN = principal('the-admin', ['admin']);
const CALLERS = ['ada', 'eve', 'key:with:colons', ADMIN.id];
const JOBS = 90;
const STATUSES = jobStatusSchema.options;

/** Some times have several jobs. */
const timeOf = (index: number): Date => new Date(START + Math.floor(((index * 7) % JOBS) / 3));
const newestFirst = (a: Job, b: Job): number => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1);
const idsOf = (jobs: readonly Job[]): string[] => jobs.map(({ id }) => id);

/** What a list should have, by the plainest means. */
function matching(jobs: readonly Job[], filter: JobFilter): Job[] {
  const { type, statuses, caller, createdAfter, createdBefore } = filter;
  return jobs
    .filter((job) => type === undefined || job.type === type)
    .filter((job) => statuses === undefined || statuses.includes(job.status))
    .filter((job) => caller === undefined || job.caller === caller)
    .filter((job) => createdAfter === undefined || job.createdAt >= createdAfter)
    .filter((job) => createdBefore === undefined || job.createdAt < createdBefore)
    .toSorted(newestFirst);
}

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const time = fc.integer({ min: -2, max: JOBS / 3 + 2 }).map((ms) => new Date(START + ms));
const filterOf: fc.Arbitrary<JobFilter> = fc.record({
  type: optional(fc.constantFrom('plain', 'other')),
  statuses: optional(fc.uniqueArray(fc.constantFrom(...STATUSES), { minLength: 1 })),
  caller: optional(fc.constantFrom(...CALLERS, 'nobody')),
  createdAfter: optional(time),
  createdBefore: optional(time),
});

describe.each(BACKENDS)('lists of the jobs of all callers on %s', (backend) => {
  // An attempt that fails leaves a job that waits for ever.
  const plain = scripted('plain', { backoffSeconds: 100_000 });
  const other = scripted('other', { backoffSeconds: 100_000 });
  const test = setUpQueue(backend, [plain, other]);
  let jobs: readonly Job[];

  const readAll = async (added: readonly Job[]): Promise<Job[]> => {
    const read = await Promise.all(added.map((job) => test.read(job)));
    return read.filter((job) => job !== undefined);
  };

  async function listAll(caller: Principal, filter: JobFilter, limit: number): Promise<Job[]> {
    const found: Job[] = [];
    let cursor: string | null = null;
    do {
      const after = cursor === null ? undefined : cursorSchema.parse(cursor);
      const page = await test.service.list({ ...filter, after, limit }, caller);
      expect(page.jobs.length).toBeLessThanOrEqual(limit);
      found.push(...page.jobs);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return found;
  }

  beforeAll(async () => {
    for (const type of [plain, other]) {
      type.runs(async ({ text }) => {
        if (text === 'Failed') throw new JobError('FAILED', 'The job failed on purpose.', { retry: false });
        if (text === 'Pending') throw new Error('on purpose');
        return { text };
      });
    }
    const added: Job[] = [];
    for (let index = 0; index < JOBS; index += 1) {
      const status = ['Pending', 'Failed', 'Succeeded', 'Canceled'][index % 4] ?? '';
      const caller = CALLERS[index % 5] ?? 'ada';
      added.push(await test.add(index % 3 === 0 ? other : plain, status, { caller, createdAt: timeOf(index) }));
    }
    await Promise.all(added.filter((_, index) => index % 4 === 3).map((job) => test.queue.cancel(job)));
    const workers = test.startWorkers();
    jobs = await poll(
      () => readAll(added),
      (now) =>
        now.every((job, index) => (index % 4 === 0 ? job.status === 'Pending' && job.attempt === 1 : isDone(job))),
    );
    await workers.close(5000);
  });

  it('have what a plain filter of all jobs has, for an admin', async () => {
    const statuses = new Set(jobs.map(({ status }) => status));
    expect([...statuses].toSorted()).toEqual(['Canceled', 'Failed', 'Pending', 'Succeeded'] satisfies JobStatus[]);
    await fc.assert(
      fc.asyncProperty(filterOf, fc.constantFrom(1, 7, 40, 100), async (filter, limit) => {
        expect(idsOf(await listAll(ADMIN, filter, limit))).toEqual(idsOf(matching(jobs, filter)));
      }),
      { numRuns: 1000, interruptAfterTimeLimit: SECONDS * 1000, endOnFailure: true },
    );
  });

  it('have nothing of others for a caller without the scope, who is refused when it asks for them', async () => {
    await fc.assert(
      fc.asyncProperty(filterOf, async (filter) => {
        const ada = principal('ada');
        const { caller } = filter;
        if (caller === undefined || caller === 'ada') {
          const mine = matching(jobs, { ...filter, caller: 'ada' });
          expect(idsOf(await listAll(ada, filter, 100))).toEqual(idsOf(mine));
        } else await expect(listAll(ada, filter, 100)).rejects.toMatchObject({ problem: 'forbidden', caller: 'ada' });
      }),
      { numRuns: 200, interruptAfterTimeLimit: SECONDS * 1000, endOnFailure: true },
    );
  });

  it('have the jobs of all for anybody on a server without authentication', async () => {
    expect(idsOf(await listAll(ANONYMOUS, {}, 100))).toEqual(idsOf(matching(jobs, {})));
  });

  it('follow a job through its retry, cancellation and removal', async () => {
    const lists = async (): Promise<JobStatus[]> => {
      const found: JobStatus[] = [];
      for (const status of STATUSES) {
        const { jobs: ofStatus } = await test.service.list(
          { statuses: [status], createdAfter: new Date(START + 500_000), after: undefined, limit: 100 },
          ADMIN,
        );
        if (ofStatus.some(({ id }) => id === job.id)) found.push(status);
      }
      return found;
    };
    const job = await test.add(plain, 'x', { caller: 'eve', createdAt: new Date(START + 500_000) });
    expect(await lists()).toEqual(['Pending']);
    await test.queue.cancel(job);
    expect(await lists()).toEqual(['Canceled']);
    await test.queue.retry(job, 1);
    expect(await lists()).toEqual(['Pending']);
    await test.queue.cancel(job);
    await test.backend.removeFinished('plain', Date.now());
    expect(await lists()).toEqual([]);
  });
});
