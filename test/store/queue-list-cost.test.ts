import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Job, JobStatus } from '../../src/core/job.ts';
import { newJobId } from '../../src/core/job-id.ts';
import type { JobQueue, ListPosition } from '../../src/core/ports.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { STATEMENTS } from '../../src/queue/postgres/statements.ts';
import { openSide, scripted, setUpQueue } from '../support/queue.ts';
import { installServers } from '../support/install-servers.ts';
import { startRedis } from '../support/servers.ts';
import { openPool } from '../support/postgres.ts';

const CALLER = 'somebody';
const TAG = 'all of them';
const START = Date.now() - 1_000_000;
const LIMIT = 20;
/** Where few and many jobs are. */
const SIZES = [500, 5000];

const plain = scripted('plain');

/** Adds jobs that stay pending, and cancels these few of them. */
async function addMany(queue: JobQueue, from: number, to: number, canceled: (index: number) => boolean): Promise<void> {
  for (let start = from; start < to; start += 500) {
    const indexes = Array.from({ length: Math.min(500, to - start) }, (_, index) => start + index);
    const jobs = await Promise.all(
      indexes.map((index) =>
        queue.add({
          id: newJobId('plain'),
          type: 'plain',
          caller: CALLER,
          createdAt: new Date(START + index),
          maxAttempts: 3,
          input: {},
          options: { tags: [TAG] },
          requestId: 'test',
        }),
      ),
    );
    const some = jobs.filter((_, index) => canceled(indexes[index] ?? 0));
    await Promise.all(some.map((job) => queue.cancel(job)));
  }
}

interface Asked {
  /** Undefined: all callers. */
  readonly caller: string | undefined;
  readonly tag?: string | undefined;
  readonly after?: ListPosition;
  readonly since?: Date;
}

async function page(queue: JobQueue, statuses: JobStatus[], asked: Asked): Promise<readonly Job[]> {
  const { jobs } = await queue.list({ after: undefined, ...asked, types: ['plain'], statuses, limit: LIMIT });
  return jobs;
}

describe.each([
  [CALLER, undefined],
  [undefined, undefined],
  [CALLER, TAG],
  [undefined, TAG],
])('a page of a list on a Redis of its own, of the caller %s, with the tag %s', (caller, tag) => {
  const programs = installServers();

  it('takes no more commands among many jobs than among few', async () => {
    const server = await startRedis(programs);
    onTestFinished(() => server.stop());
    const side = await openSide({ url: server.url, embedded: createEmbeddedStore(''), types: [plain.type] });
    onTestFinished(() => side.close());
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    /** All that the server has done but for telling this; what a script does counts too. */
    const countCommands = async (): Promise<number> => {
      const stats = await admin.info('commandstats');
      const calls = [...stats.matchAll(/^cmdstat_(?!info)[^:]+:calls=(\d+)/gm)].map(([, count]) => Number(count));
      return calls.reduce((sum, count) => sum + count, 0);
    };
    const commandsOf = async (work: () => Promise<unknown>): Promise<number> => {
      const before = await countCommands();
      await work();
      return (await countCommands()) - before;
    };
    const counts: number[][] = [];
    let added = 0;
    for (const size of SIZES) {
      await addMany(side.queue, added, size, (index) => index % 100 === 0);
      added = size;
      const middle = { createdAt: new Date(START + size / 2), id: 'plain' };
      counts.push([
        await commandsOf(async () =>
          expect((await page(side.queue, ['Canceled'], { caller, tag })).length).toBeGreaterThanOrEqual(5),
        ),
        await commandsOf(async () =>
          expect(await page(side.queue, ['Pending'], { caller, tag, after: middle })).toHaveLength(LIMIT),
        ),
        await commandsOf(async () =>
          expect(await page(side.queue, ['Pending', 'Canceled'], { caller, tag, after: middle })).toHaveLength(LIMIT),
        ),
        await commandsOf(async () =>
          expect(await page(side.queue, ['Pending'], { caller, tag, since: new Date(START + size - 3) })).toHaveLength(
            3,
          ),
        ),
        await commandsOf(async () => expect(await page(side.queue, ['Running'], { caller, tag })).toEqual([])),
        await commandsOf(async () =>
          expect(await page(side.queue, ['Running', 'Failed'], { caller, tag })).toEqual([]),
        ),
      ]);
    }
    // A job's fields and its lock are two commands in the one script.
    for (const count of counts.flat()) expect(count).toBeLessThanOrEqual(4 + 2 * (LIMIT + 5));
  });
});

describe.each(['crashed', undefined])('a page of a list on redis, of the caller %s', (asked) => {
  const test = setUpQueue('redis', [plain]);

  it('corrects what a crash left: entries of no job, of another time, and in the wrong set', async () => {
    const admin = new Redis(test.url ?? '');
    onTestFinished(() => admin.disconnect());
    const caller = 'crashed';
    const jobs: Job[] = [];
    for (let index = 0; index < 30; index += 1) {
      jobs.push(await test.add(plain, 'x', { caller, createdAt: new Date(START + index) }));
    }
    const [first, second, third] = jobs;
    if (!first || !second || !third) expect.fail('no jobs');
    await test.queue.cancel(first);
    const key = (set: string) => `accepted:{plain}:index:${set}${asked === undefined ? '' : `:${caller}`}`;
    for (let index = 0; index < 100; index += 1) {
      await admin.zadd(key('open'), START + index, `plain_${String(index).padStart(22, '0')}`);
    }
    await admin.zadd(key('open'), START + 1000, second.id);
    await admin.zadd(key('open'), START, first.id);
    await admin.zadd(key('Succeeded'), START + 2, third.id);
    const list = async (statuses: JobStatus[], limit = 7) =>
      (await test.queue.list({ caller: asked, types: ['plain'], statuses, after: undefined, limit })).jobs;
    expect((await list(['Pending'])).map(({ id }) => id)).toEqual(
      jobs
        .slice(-7)
        .toReversed()
        .map(({ id }) => id),
    );
    expect(await list(['Pending'], 100)).toHaveLength(29);
    expect(await list(['Succeeded'])).toEqual([]);
    expect((await list(['Canceled'])).map(({ id }) => id)).toEqual([first.id]);
    expect(await list(['Pending', 'Canceled', 'Succeeded'], 100)).toHaveLength(30);
    const left = ['open', 'Succeeded', 'Canceled'].map((set) => admin.zcard(key(set)));
    expect(await Promise.all(left)).toEqual([29, 0, 1]);
  });
});

describe('a page of a list on postgres', () => {
  const test = setUpQueue('postgres', [plain]);

  it('reads no more of the index than it shows', async () => {
    await addMany(test.queue, 0, 3000, (index) => index % 100 === 0);
    // A caller with few jobs among many.
    await test.add(plain, 'x', { caller: 'rare', createdAt: new Date(START + 20) });
    const pool = openPool(test.url, { max: 1 });
    onTestFinished(() => pool.end());
    await pool.query('ANALYZE bullmq.job');
    const explain = async (
      caller: string | null,
      tag: string | null,
      statuses: JobStatus[],
      after: [number, string],
    ): Promise<string> => {
      const parameters = [['plain'], statuses, caller, ...after, LIMIT, 2_000_000, START + 10, tag];
      const { rows } = await pool.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${STATEMENTS.listJobs.text}`, parameters);
      return JSON.stringify(rows);
    };
    const indexes = [
      [CALLER, null, 'accepted_jobs_by_status'],
      ['rare', null, 'accepted_jobs_by_status'],
      [null, null, 'accepted_all_jobs_by_status'],
      [CALLER, TAG, 'job_tags_by_caller'],
      [null, TAG, 'job_tags_of_all'],
    ] as const;
    for (const [caller, tag, index] of indexes) {
      for (const statuses of [['Canceled'], ['Pending'], ['Pending', 'Canceled']] satisfies JobStatus[][]) {
        for (const after of [
          [Number.MAX_SAFE_INTEGER, ''],
          [START + 1500, 'x'],
        ] satisfies [number, string][]) {
          const plan = await explain(caller, tag, statuses, after);
          expect(plan).toContain(`"Index Name":"${index}"`);
          expect(plan).not.toContain('Seq Scan');
          // Nor does any step read rows that it drops, or that a later one does.
          const removed = [...plan.matchAll(/"Rows Removed by (?:Filter|Index Recheck)":(\d+)/g)];
          expect(removed.filter(([, rows]) => rows !== '0')).toEqual([]);
          const read = [...plan.matchAll(/"Actual Rows":([\d.]+)/g)].map(([, rows]) => Number(rows));
          expect(Math.max(...read)).toBeLessThanOrEqual(statuses.length * LIMIT + 1);
        }
      }
    }
  });
});
