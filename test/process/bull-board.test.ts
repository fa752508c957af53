import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { type Job, type JobStatus, jobStatusSchema } from '../../src/core/job.ts';
import { JobError } from '../../src/core/job-error.ts';
import { poll } from '../support/follow.ts';
import { readerOf } from '../support/installed.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { freePort } from '../support/servers.ts';

const PROJECT = join(import.meta.dirname, '../..');
const guide = readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8');
const [, section = ''] = /### Bull Board\n([\s\S]*?)\n### /.exec(guide) ?? [];
const [redis = '', postgres = ''] = [...section.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? '');
/** The part of the recipe that both have. */
const board = redis.slice(redis.indexOf('const board'));
const boardImports = redis
  .split('\n')
  .filter((line) => /^import .*(bull-board|'fastify')/.test(line))
  .join('\n');
const RECIPES = { redis, postgres: `${boardImports}\n${postgres}\n${board}` } as const;

const queuesSchema = z.object({
  queues: z.array(z.object({ name: z.string(), counts: z.record(z.string(), z.number()), isPaused: z.boolean() })),
});

/** Runs the guide's recipe for the job type `plain`. */
async function startBoard(backend: keyof typeof RECIPES, queueUrl: string) {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-board-'));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const file = join(folder, 'board.ts');
  const own = pathToFileURL(join(PROJECT, 'src/bullmq.ts')).href;
  writeFileSync(file, RECIPES[backend].replace("'accepted/bullmq'", `'${own}'`).replace("['greeting']", "['plain']"));
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { PATH: process.env['PATH'], QUEUE_URL: queueUrl, BOARD_PORT: `${await freePort()}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => void child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });
  const [, url = ''] = await readerOf(child)(/(http:\/\/\S+)/);
  const read = async () => {
    const reply = await fetch(`${url}/api/queues`);
    const { queues } = queuesSchema.parse(await reply.json());
    return queues[0] ?? expect.fail('no queue');
  };
  const { name } = await read();
  /** What a button of the page does. */
  const act = async (path: string, method = 'PUT', body?: unknown): Promise<void> => {
    const reply = await fetch(`${url}/api/queues/${encodeURIComponent(name)}${path}`, {
      method,
      ...(body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    expect([path, reply.status, await reply.text()]).toEqual([path, expect.toBeOneOf([200, 204]), expect.anything()]);
  };
  return { url, read, act };
}

describe.each(['redis', 'postgres'] as const)('Bull Board on %s, by the guide', (backend) => {
  const plain = scripted('plain', { attempts: 1 });
  const test = setUpQueue(backend, [plain]);
  const list = async (statuses: readonly JobStatus[] = jobStatusSchema.options): Promise<readonly Job[]> => {
    const query = { caller: ANONYMOUS.id, types: ['plain'], statuses, after: undefined, limit: 100 };
    return (await test.queue.list(query)).jobs;
  };
  const run = async (jobs: readonly Job[]): Promise<void> => {
    const workers = test.startWorkers();
    await Promise.all(jobs.map(test.finish));
    await workers.close(5000);
  };

  it('leaves our view right, whatever it does', async () => {
    const { act, read } = await startBoard(backend, test.url ?? '');
    plain.runs(async () => {
      throw new JobError('BROKEN', 'On purpose.', { retry: false });
    });
    const jobs = [await test.add(plain, 'a'), await test.add(plain, 'b'), await test.add(plain, 'c')];
    const [first = expect.fail('no job'), second = expect.fail('no job')] = jobs;
    await run(jobs);
    expect((await read()).counts).toMatchObject({ failed: 3 });

    await act(`/${first.id}/retry`);
    // A list of all statuses meets what the board changed, and corrects the lists of each.
    expect(await list()).toContainEqual(expect.objectContaining({ id: first.id, status: 'Pending' }));
    expect(await list(['Pending'])).toMatchObject([{ id: first.id }]);
    await act(`/${second.id}/clean`);
    expect(await test.read(second)).toBeUndefined();
    expect(await list()).toHaveLength(2);
    plain.runs(async ({ text }) => ({ text }));
    await act('/retry/failed');
    expect((await list()).map(({ status }) => status)).toEqual(['Pending', 'Pending']);
    await run(jobs.filter(({ id }) => id !== second.id));
    expect(await list(['Succeeded'])).toHaveLength(2);

    await act('/pause');
    expect((await read()).isPaused).toBe(true);
    const paused = await test.add(plain, 'waits');
    const workers = test.work();
    await act(`/${paused.id}/priority`, 'PATCH', { priority: 3 });
    expect(await test.read(paused)).toMatchObject({ status: 'Pending' });
    await act('/resume');
    expect(await test.finish(paused)).toMatchObject({ status: 'Succeeded' });
    await workers.close(5000);

    // It leaves jobs that ended within the last seconds.
    await poll(
      async () => {
        await act('/clean/completed');
        return list();
      },
      ({ length }) => length === 0,
    );
    const later = await test.add(plain, 'later');
    await act('/empty');
    expect(await test.read(later)).toBeUndefined();
    expect(await list()).toEqual([]);

    const own = { text: 'of the board' };
    await act('/add', 'POST', { name: 'board', data: { input: own, requestId: 'board' }, options: {} });
    await run([]);
    const last = await test.add(plain, 'last');
    await run([last]);
    expect(await list()).toMatchObject([{ id: last.id, status: 'Succeeded' }]);
    await act('/pause');
    await act('/obliterate');
    expect(await list()).toEqual([]);
    await run([await test.add(plain, 'after all')]);
    expect(await list()).toMatchObject([{ status: 'Succeeded' }]);
  });
});
