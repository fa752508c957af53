import { describe, expect, it } from 'vitest';
import type { Principal } from '../../src/core/access/caller.ts';
import { type Job, type JobStatus, jobStatusSchema } from '../../src/core/job.ts';
import { JobError } from '../../src/core/job-error.ts';
import { cursorSchema } from '../../src/core/service/list-page.ts';
import type { JobPage, JobPageRequest } from '../../src/core/service/service.ts';
import { principal } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const ALL: JobPageRequest = { type: undefined, statuses: undefined, after: undefined, limit: 100 };
const START = Date.now() - 1_000_000;
let callers = 0;
/** Somebody who has no jobs yet. */
const newCaller = (): Principal => principal(`caller-${(callers += 1)}`);
const FAILURE = new JobError('FAILED', 'The job failed on purpose.', { retry: false });
const newestFirst = (a: Job, b: Job): number => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1);
const idsOf = (jobs: readonly Job[]): string[] => jobs.map(({ id }) => id);

describe.each(BACKENDS)('lists on %s', (backend) => {
  // An attempt that fails leaves a job that waits for ever.
  const plain = scripted('plain', { backoffSeconds: 100_000 });
  const other = scripted('other', { backoffSeconds: 100_000 });
  const test = setUpQueue(backend, [plain, other]);
  const { add, finish, work } = test;
  const list = (caller: Principal, filter: Partial<JobPageRequest> = {}): Promise<JobPage> =>
    test.service.list({ ...ALL, ...filter }, caller);

  /** All pages, and what happens between them. */
  async function listAll(
    caller: Principal,
    filter: Partial<JobPageRequest>,
    between?: (page: number) => Promise<void>,
  ) {
    const found: Job[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const after = cursor === null ? undefined : cursorSchema.parse(cursor);
      const page: JobPage = await list(caller, { ...filter, ...(after && { after }) });
      found.push(...page.jobs);
      cursor = page.nextCursor;
      pages += 1;
      await between?.(pages);
    } while (cursor !== null);
    return found;
  }

  /** Jobs of one caller a millisecond apart, in two types, added in no order of time. */
  async function addMany({ id: caller }: Principal, count: number, atOnce = 1): Promise<Job[]> {
    const jobs = Array.from({ length: count }, (_, index) => {
      const createdAt = new Date(START + Math.floor(((index * 7) % count) / atOnce));
      return add(index % 3 === 0 ? other : plain, String(index), { caller, createdAt });
    });
    return Promise.all(jobs);
  }

  it('have shorter pages where results are large', async () => {
    const caller = newCaller();
    plain.runs(async () => ({ text: 'x'.repeat(900_000) }));
    const jobs: Job[] = [];
    for (let index = 0; index < 5; index += 1) {
      jobs.push(await add(plain, '', { caller: caller.id, createdAt: new Date(START + index) }));
    }
    const pending = await add(other, 'pending', { caller: caller.id, createdAt: new Date(START + 5) });
    const workers = test.startWorkers();
    await Promise.all(jobs.map(finish));
    await finish(pending);
    await workers.close(5000);
    const first = await list(caller, { limit: 50 });
    // The third result of 900,000 characters exceeds 2,000,000.
    expect(idsOf(first.jobs)).toEqual(idsOf([pending, ...jobs.slice(2).toReversed()]));
    expect(first.resultCharacters).toBeGreaterThan(2_700_000);
    const found = await listAll(caller, { limit: 50 });
    expect(idsOf(found)).toEqual(idsOf([pending, ...jobs.toReversed()]));
    expect(found.at(-1)).toMatchObject({ result: { text: 'x'.repeat(900_000) } });
    plain.runs(async ({ text }) => ({ text }));
  });

  it('have the newest first, by type and status, and nobody else’s', async () => {
    const caller = newCaller();
    const stranger = newCaller();
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      if (text === 'fail') throw FAILURE;
      if (text === 'wait') throw new Error('on purpose');
      if (text === 'run') {
        started.reach();
        await release.reached;
      }
      return { text };
    });
    const at = (ms: number) => ({ caller: caller.id, createdAt: new Date(START + ms) });
    const succeeded = await add(plain, 'succeed', at(1));
    const failed = await add(plain, 'fail', at(2));
    const canceled = await add(plain, 'cancel', at(3));
    await test.queue.cancel(canceled);
    const running = await add(plain, 'run', at(4));
    const pending = await add(plain, 'wait', at(5));
    other.runs(async () => {
      throw new Error('on purpose');
    });
    const ofOther = await add(other, 'wait', at(6));
    work();
    await finish(succeeded);
    await finish(failed);
    await started.reached;
    for (const job of [pending, ofOther]) {
      await poll(
        () => test.read(job),
        (now) => now?.status === 'Pending' && now.attempt === 1,
      );
    }

    const byStatus: Record<JobStatus, Job[]> = {
      Pending: [ofOther, pending],
      Running: [running],
      Succeeded: [succeeded],
      Failed: [failed],
      Canceled: [canceled],
    };
    const statuses = jobStatusSchema.options;
    for (const status of statuses) {
      const { jobs, nextCursor } = await list(caller, { statuses: [status] });
      expect(idsOf(jobs)).toEqual(idsOf(byStatus[status]));
      expect(jobs.every((job) => job.status === status)).toBe(true);
      expect(nextCursor).toBeNull();
      for (const second of statuses) {
        const both = [...new Set([...byStatus[status], ...byStatus[second]])].toSorted(newestFirst);
        // One that is named twice counts once.
        expect(idsOf((await list(caller, { statuses: [status, second] })).jobs)).toEqual(idsOf(both));
      }
    }
    const all = [ofOther, pending, running, canceled, failed, succeeded];
    expect(idsOf((await list(caller)).jobs)).toEqual(idsOf(all));
    expect(idsOf((await list(caller, { type: 'other' })).jobs)).toEqual([ofOther.id]);
    expect(idsOf((await list(caller, { type: 'plain' })).jobs)).toEqual(idsOf(all.slice(1)));
    const { jobs } = await list(caller);
    for (const job of jobs) expect(job).toEqual(await test.queue.read(job.id, job.type));
    expect((await list(stranger)).jobs).toEqual([]);
    await expect(list(caller, { type: 'none' })).rejects.toMatchObject({ problem: 'invalid-input' });
    release.reach();
  });

  it.each([
    ['a millisecond apart', 1],
    ['of one millisecond, by their ids', 60],
  ])('page through jobs %s', async (_, atOnce) => {
    const caller = newCaller();
    const jobs = (await addMany(caller, 60, atOnce)).toSorted(newestFirst);
    for (const limit of [1, 7, 60, 100]) expect(idsOf(await listAll(caller, { limit }))).toEqual(idsOf(jobs));
    expect(idsOf(await listAll(caller, { limit: 7, statuses: ['Pending'], type: 'other' }))).toEqual(
      idsOf(jobs.filter(({ type }) => type === 'other')),
    );
    expect((await list(caller, { statuses: ['Succeeded'] })).jobs).toEqual([]);
  });

  it('lose and repeat nothing while jobs are added, run, canceled, retried and removed between pages', async () => {
    const caller = newCaller();
    plain.runs(async ({ text }) => {
      if (Number(text) % 2 === 0) throw FAILURE;
      return { text };
    });
    const jobs = await addMany(caller, 120, 4);
    const [removed, kept] = [jobs.slice(0, 20), jobs.slice(20)];
    for (const job of removed) await test.queue.cancel(job);
    const found = await listAll(caller, { limit: 7 }, async (page) => {
      if (page === 2) work();
      if (page === 3) await test.backend.removeFinished('other', Date.now());
      const mine = kept[page * 3];
      if (mine === undefined) return;
      await test.queue.cancel(mine);
      await test.queue.retry(mine, 3);
      await add(plain, '1', { caller: caller.id });
      await add(plain, '1', { caller: caller.id, createdAt: new Date(START + 10) });
    });
    const ids = idsOf(found);
    expect(new Set(ids).size).toBe(ids.length);
    const survivors = await Promise.all(kept.map((job) => test.read(job)));
    const existed = idsOf(survivors.filter((job) => job !== undefined));
    expect(existed.filter((id) => !ids.includes(id))).toEqual([]);
    expect(idsOf(found.toSorted(newestFirst))).toEqual(ids);
  });
});
