import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { principal } from '../support/callers.ts';
import { JobError } from '../../src/core/job-error.ts';
import type { Job, JobStatus } from '../../src/core/job.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

const STATUSES: readonly JobStatus[] = ['Pending', 'Running', 'Succeeded', 'Failed', 'Canceled'];
const ADA = principal('ada');
const EVE = principal('eve');

describe.each(BACKENDS)('tags on %s', (backend) => {
  const plain = scripted('plain', { attempts: 1 });
  const other = scripted('other', { options: { tags: ['preset'] } });
  const test = setUpQueue(backend, [plain, other]);
  const { finish, work } = test;

  const submit = async (tags: readonly string[] | undefined, { text = 'hello', caller = ADA, type = plain } = {}) => {
    const options = { given: tags && { tags }, path: ['options'], base: '' };
    return (await test.service.submit({ type: type.type, input: { text }, options, caller, requestId: 'test' })).job;
  };
  const list = async (tag: string, query: Partial<Parameters<typeof test.queue.list>[0]> = {}) => {
    const asked = { caller: undefined, types: ['plain', 'other'], statuses: STATUSES, after: undefined, limit: 100 };
    return (await test.queue.list({ ...asked, tag, ...query })).jobs.map(({ id }) => id);
  };
  /** Under which statuses the lists of a tag have a job: the caller's, and that of all callers. */
  const listedAs = async ({ id }: Job, tag: string): Promise<readonly JobStatus[][]> =>
    Promise.all(
      ['ada', undefined].map(async (caller) => {
        const found = await Promise.all(STATUSES.map((status) => list(tag, { caller, statuses: [status] })));
        return STATUSES.filter((_, index) => found[index]?.includes(id));
      }),
    );
  const becomes = (job: Job, status: JobStatus) =>
    poll(
      () => test.read(job),
      (now) => now?.status === status,
    );
  /** How many entries the store has for tags. */
  async function entries(): Promise<number> {
    if (backend === 'redis') {
      const redis = new Redis(test.url ?? '');
      onTestFinished(() => redis.disconnect());
      return (await redis.keys('*:tags:*')).length;
    }
    const query = 'SELECT id FROM accepted_queue.job_tags';
    if (backend === 'embedded') return (await test.embedded.pool.query(query)).rows.length;
    const pool = openPool(test.url);
    onTestFinished(() => pool.end());
    return (await pool.query(query)).rows.length;
  }

  it('list the jobs of one caller and of all that have them, by type, status and time', async () => {
    const jobs = [
      await submit(['a', 'b']),
      await submit(['a'], { caller: EVE }),
      await submit(['b'], { type: other }),
      await submit(undefined, { type: other }),
      await submit(undefined),
    ];
    const ids = jobs.map(({ id }) => id);
    expect(jobs.map(({ options }) => options?.tags)).toEqual([['a', 'b'], ['a'], ['b'], ['preset'], undefined]);
    expect(await list('a')).toEqual([ids[1], ids[0]]);
    expect(await list('a', { caller: 'eve' })).toEqual([ids[1]]);
    expect(await list('b')).toEqual([ids[2], ids[0]]);
    expect(await list('b', { types: ['other'] })).toEqual([ids[2]]);
    expect(await list('preset')).toEqual([ids[3]]);
    for (const none of ['', 'A', 'a,b', 'ab', 'plain']) expect(await list(none)).toEqual([]);
    expect(await list('b', { statuses: ['Running', 'Succeeded'] })).toEqual([]);
    const [first, , third] = jobs;
    if (!first || !third) expect.fail('no jobs');
    const since = new Date(third.createdAt.getTime() + 1);
    expect(await list('b', { since })).toEqual([]);
    expect(await list('b', { after: { createdAt: third.createdAt, id: third.id } })).toEqual([first.id]);
    expect(await test.read(first)).toMatchObject({ options: { tags: ['a', 'b'] } });
    const filter = { tag: 'a', after: undefined, limit: 10 };
    expect((await test.service.list(filter, ADA)).jobs.map(({ id }) => id)).toEqual([ids[0]]);
    await test.queue.cancelAll('plain', ids);
    await test.queue.cancelAll('other', ids);
  });

  it('page through many, one of which each other list lacks', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift((await submit([`page`, `page ${index}`])).id);
      await submit(['page 9']);
    }
    const found: string[] = [];
    let after: Job | undefined;
    do {
      const query = { caller: 'ada', types: ['plain'], statuses: STATUSES, tag: 'page', after, limit: 2 };
      const page = await test.queue.list(query);
      found.push(...page.jobs.map(({ id }) => id));
      after = page.hasMore ? page.jobs.at(-1) : undefined;
    } while (after !== undefined);
    expect(found.toSorted()).toEqual(ids.toSorted());
  });

  it('follow a job through all that happens to it', async () => {
    const tag = 'followed';
    const running = signal();
    const release = signal();
    plain.runs(async ({ text }, job) => {
      if (text === 'fail') throw new JobError('BAD', 'Bad.', { retry: false });
      if (text !== 'wait') return { text };
      running.reach();
      await Promise.race([release.reached, new Promise((_, reject) => job.signal.addEventListener('abort', reject))]);
      return { text };
    });
    const canceled = await submit([tag]);
    await test.queue.cancel(canceled);
    expect(await listedAs(canceled, tag)).toEqual([['Canceled'], ['Canceled']]);
    await test.queue.retry(canceled, 1);
    expect(await listedAs(canceled, tag)).toEqual([['Pending'], ['Pending']]);
    const late = await test.service.submit({
      type: plain.type,
      input: { text: 'late' },
      options: { given: { tags: [tag], startWithinSeconds: 1 }, path: [], base: '' },
      caller: ADA,
      requestId: 'test',
    });
    await poll(
      () => test.backend.expire(['plain']),
      (ids) => ids.includes(late.job.id),
    );
    expect(await listedAs(late.job, tag)).toEqual([['Canceled'], ['Canceled']]);
    const failing = await submit([tag], { text: 'fail' });
    const waiting = await submit([tag], { text: 'wait' });
    work();
    await running.reached;
    expect(await listedAs(waiting, tag)).toEqual([['Running'], ['Running']]);
    await test.queue.cancel(waiting);
    await becomes(waiting, 'Canceled');
    await finish(failing);
    await finish(canceled);
    // An index may have one more entry for a moment, which readers skip.
    expect(await listedAs(waiting, tag)).toEqual([['Canceled'], ['Canceled']]);
    expect(await listedAs(failing, tag)).toEqual([['Failed'], ['Failed']]);
    expect(await listedAs(canceled, tag)).toEqual([['Succeeded'], ['Succeeded']]);
    await test.queue.retry(failing, 1);
    await becomes(failing, 'Failed');
    expect(await listedAs(failing, tag)).toEqual([['Failed'], ['Failed']]);
    release.reach();
  });

  it('may have any printable character but commas, and are told apart', async () => {
    const tags = ['a:b', 'a b', 'o\'hara "x"', '%_\\', 'größe', '😀'.repeat(64), 'open', '{plain}'];
    const jobs = await Promise.all(tags.map((tag) => submit([tag])));
    for (const [index, tag] of tags.entries()) expect(await list(tag)).toEqual([jobs[index]?.id]);
    for (const caller of ['ada', 'eve'])
      expect(await list('a:b', { caller })).toEqual(caller === 'ada' ? [jobs[0]?.id] : []);
  });

  it('choose which changes a list follows', async () => {
    const controller = new AbortController();
    onTestFinished(() => controller.abort());
    const changes = await test.service.watchAll({ tag: 'watched' }, ADA, controller.signal);
    const first = changes.next();
    await submit(['other tag']);
    const watched = await submit(['watched']);
    expect((await first).value).toMatchObject({ id: watched.id });
    await test.queue.cancelAll('plain', [watched.id, ...(await list('other tag'))]);
  });

  it('leave nothing behind when their jobs are removed', async () => {
    expect(await entries()).toBeGreaterThan(0);
    const pending = await list('page');
    await test.queue.cancelAll('plain', [...pending, ...(await list('page 9'))]);
    const workers = test.startWorkers();
    await poll(
      () => test.queue.readDepth('plain', 100),
      (depth) => depth === 0,
    );
    await workers.close(5000);
    await poll(
      () => test.queue.readTypeState('plain'),
      ({ counts }) => counts.running === 0,
    );
    for (const type of ['plain', 'other']) while ((await test.backend.removeFinished(type, Date.now() + 60_000)) > 0);
    expect(await entries()).toBe(0);
  });
});

describe('the index of tags on redis', () => {
  const plain = scripted('plain');
  const test = setUpQueue('redis', [plain]);

  it.each(['ada', undefined])('corrects what a crash or another program left, of the caller %s', async (caller) => {
    const redis = new Redis(test.url ?? '');
    onTestFinished(() => redis.disconnect());
    const tag = `corrected for ${caller}`;
    const key = (set: string) => `accepted:{plain}:tags:${set}:${tag}${caller === undefined ? '' : `\n${caller}`}`;
    const options = { given: { tags: [tag] }, path: [], base: '' };
    const submission = { type: plain.type, input: { text: 'x' }, caller: ADA, requestId: 'test' };
    const { job } = await test.service.submit({ ...submission, options });
    const { job: untagged } = await test.service.submit(submission);
    // Of no job, of a job without the tag, and in the wrong set.
    await redis.zadd(key('open'), 1, `plain_${'0'.repeat(22)}`, untagged.createdAt.getTime(), untagged.id);
    await redis.zadd(key('Failed'), job.createdAt.getTime(), job.id);
    const query = { caller, tag, types: ['plain'], statuses: STATUSES, after: undefined, limit: 10 };
    expect((await test.queue.list(query)).jobs.map(({ id }) => id)).toEqual([job.id]);
    expect(await redis.zrange(key('open'), '0', '-1')).toEqual([job.id]);
    expect(await redis.exists(key('Failed'))).toBe(0);
    await test.queue.cancel(job);
  });
});
