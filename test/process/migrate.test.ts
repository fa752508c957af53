import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { createJobKeys } from '../../src/core/access/job-token.ts';
import { type Job, isDone, jobStatusSchema } from '../../src/core/job.ts';
import { JobError } from '../../src/core/job-error.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { poll } from '../support/follow.ts';
import { type QueueSide, openSide, scripted, signal } from '../support/queue.ts';
import { type Backend, createStore } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const KEY = 'order-7';
const WEBHOOK = 'https://hooks.example/';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function spawnMigrate(from: string, to: string, DATA_DIR = '') {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-migrate-'));
  const child = spawn(process.execPath, [MAIN, 'migrate', '--from', from, '--to', to], {
    cwd: folder,
    env: { PATH: process.env['PATH'], DATA_DIR },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = new Promise<number | null>((resolve) => void child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
    rmSync(folder, { recursive: true });
  });
  return { child, closed };
}

async function migrate(...args: Parameters<typeof spawnMigrate>): Promise<Ended> {
  const { child, closed } = spawnMigrate(...args);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, stdout, stderr };
}

/** A store of its own, whose sides are opened and closed one after the other, as a process that is stopped. */
async function setUpStore(backend: Backend) {
  const { settings, remove } = await createStore(backend);
  onTestFinished(remove);
  const open = async (): Promise<QueueSide> => {
    const embedded = createEmbeddedStore(settings.DATA_DIR);
    if (backend === 'embedded') await embedded.open();
    const side = await openSide({ url: settings.QUEUE_URL, embedded, types: [plain.type] });
    const close = async (): Promise<void> => {
      await side.close();
      await embedded.close();
    };
    onTestFinished(close);
    return { ...side, close };
  };
  return { settings, url: settings.QUEUE_URL ?? 'embedded', open };
}

const plain = scripted('plain', { attempts: 2 });
const submit = async (side: QueueSide, words: string, idempotencyKey?: string, webhook?: string) =>
  side.service.submit({
    type: plain.type,
    input: { text: words },
    caller: ANONYMOUS,
    requestId: 'test',
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(webhook !== undefined && { options: { given: { webhook }, path: [], base: 'https://accepted.example' } }),
  });
const read = (side: QueueSide, id: string) => side.queue.read(id, 'plain');
const readOutput = async (side: QueueSide, id: string) => (await side.queue.readOutput(id, 'plain', 0))?.pieces;
const listed = async (side: QueueSide, of: 'anonymous' | 'all' = 'anonymous'): Promise<readonly Job[]> => {
  const query = {
    caller: of === 'all' ? undefined : ANONYMOUS.id,
    types: ['plain'],
    statuses: jobStatusSchema.options,
    after: undefined,
    limit: 100,
  };
  return (await side.queue.list(query)).jobs;
};

/** Leaves jobs in each state: with a key and a result, failed, canceled, running when its process died, and three that wait. */
async function fill(side: QueueSide) {
  plain.runs(async ({ text: words }, job) => {
    await job.progress(40, 'on the way');
    await job.output(words);
    await job.output({ words });
    if (words === 'fails') throw new JobError('BROKEN', 'On purpose.', { retry: false });
    return { text: words };
  });
  const workers = side.startWorkers();
  const succeeded = (await submit(side, 'succeeds', KEY)).job;
  for (const { id } of [succeeded, (await submit(side, 'fails')).job]) {
    await poll(
      () => read(side, id),
      (job) => job !== undefined && isDone(job),
    );
  }
  await workers.close(1000);
  const running = (await submit(side, 'running')).job;
  await leaveRunning(side);
  await side.service.rotateWebhookSecret(ANONYMOUS, undefined);
  await side.queue.cancel((await submit(side, 'canceled', undefined, WEBHOOK)).job);
  const waiting: Job[] = [];
  for (const words of ['first', 'second', 'third']) waiting.push((await submit(side, words)).job);
  return { succeeded, running, waiting, token: await side.service.accessToken(succeeded) };
}

/** Takes up a job, and stops as a process that is killed. */
async function leaveRunning(side: QueueSide): Promise<void> {
  const started = signal();
  const worker = await side.backend.createWorker(
    'plain',
    async () => {
      started.reach();
      return new Promise(() => undefined);
    },
    {
      lockDuration: 30_000,
      onCompleted: () => undefined,
      onFailed: () => undefined,
      onRenewed: () => undefined,
      onLost: () => undefined,
    },
  );
  await started.reached;
  await worker.close(true);
}

describe.each([
  ['embedded', 'redis'],
  ['embedded', 'postgres'],
  ['redis', 'postgres'],
  ['postgres', 'redis'],
] as const)('accepted migrate from %s to %s', (fromBackend, toBackend) => {
  it('copies all jobs as they are, with what their keys and tokens rest on, and they run in their order', async () => {
    const [from, to] = [await setUpStore(fromBackend), await setUpStore(toBackend)];
    const before = await from.open();
    const { succeeded, running, waiting, token } = await fill(before);
    const jobs = await listed(before);
    const told = jobs.find(({ options }) => options?.webhook !== undefined) ?? succeeded;
    const deliveries = await before.service.readDeliveries(told, ANONYMOUS);
    expect(deliveries).toMatchObject([{ event: 'job.canceled', status: 'Pending' }]);
    const secret = await before.service.webhookSecret(ANONYMOUS);
    const output = await readOutput(before, succeeded.id);
    expect(output).toHaveLength(2);
    expect(jobs).toContainEqual(expect.objectContaining({ id: running.id, status: 'Running' }));
    await before.close();

    const { code, stdout, stderr } = await migrate(from.url, to.url, from.settings.DATA_DIR);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('copied 7 jobs: 4 that wait, 3 that are finished\n');

    const after = await to.open();
    const copied = await listed(after);
    expect(copied.filter(({ id }) => id !== running.id)).toEqual(jobs.filter(({ id }) => id !== running.id));
    expect(copied).toContainEqual(expect.objectContaining({ id: running.id, status: 'Pending', attempt: 0 }));
    expect(await listed(after, 'all')).toEqual(copied);
    expect(await readOutput(after, succeeded.id)).toEqual(output);
    const counts = { pending: 4, running: 0, succeeded: 1, failed: 1, canceled: 1 };
    expect(await after.queue.readTypeState('plain')).toMatchObject({ counts });
    expect(await submit(after, 'succeeds', KEY)).toMatchObject({ replayed: true, job: { id: succeeded.id } });
    await expect(submit(after, 'another', KEY)).rejects.toMatchObject({ problem: 'idempotency-key-reused' });
    const { verify } = createJobKeys(after.queue, 3600);
    await expect(verify(token)).resolves.toMatchObject({ jobId: succeeded.id });

    expect(await after.service.readDeliveries(told, ANONYMOUS)).toEqual(deliveries);
    expect(await after.service.webhookSecret(ANONYMOUS)).toEqual(secret);
    const [due] = await after.deliveries.take({ most: 5, perReceiver: 5, perCaller: 5, busy: new Map() });
    expect(due?.job).toEqual(told);

    const order: string[] = [];
    plain.runs(async ({ text: words }) => {
      order.push(words);
      return { text: words };
    });
    const workers = after.startWorkers();
    for (const { id } of [running, ...waiting]) {
      await poll(
        () => read(after, id),
        (job) => job?.status === 'Succeeded',
      );
    }
    await workers.close(1000);
    expect(order).toEqual(['running', 'first', 'second', 'third']);
    await after.close();

    // All of them are there, so that none is copied again.
    expect(await migrate(from.url, to.url, from.settings.DATA_DIR)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('copied 0 jobs: 0 that wait, 0 that are finished\n7 were there already\n'),
    });
    expect(await readOutput(await to.open(), succeeded.id)).toEqual(output);
  });
});

it('a run that was killed is completed by another, and doubles nothing', async () => {
  const MANY = 3000;
  const [from, to] = [await setUpStore('redis'), await setUpStore('postgres')];
  const before = await from.open();
  for (let count = 0; count < MANY; count += 500)
    await Promise.all(Array.from({ length: 500 }, async () => submit(before, 'waits')));
  await before.close();

  const { child, closed } = spawnMigrate(from.url, to.url);
  const pool = openPool(to.url, { max: 1 });
  onTestFinished(() => pool.end());
  const count = async (): Promise<number> => {
    const { rows } = await pool.query<{ count: number }>('SELECT count(*)::integer AS count FROM bullmq.job');
    return rows[0]?.count ?? 0;
  };
  while ((await count()) === 0) expect(child.exitCode).toBeNull();
  child.kill('SIGKILL');
  expect(await closed).toBeNull();
  const done = await count();
  expect(done).toBeLessThan(MANY);

  const { code, stdout } = await migrate(from.url, to.url);
  expect(code).toBe(0);
  expect(stdout).toContain(`copied ${MANY - done} jobs: ${MANY - done} that wait, 0 that are finished\n`);
  expect(stdout).toContain(`${done} were there already\n`);
  expect(await count()).toBe(MANY);
});

it('finished jobs whose retention is over stay where they are', async () => {
  const [from, to] = [await setUpStore('postgres'), await setUpStore('redis')];
  const before = await from.open();
  await endOne(before);
  await before.close();
  const pool = openPool(from.url, { max: 1 });
  await pool.query('UPDATE bullmq.job SET finished_at_ms = finished_at_ms - 3600000');
  await pool.end();
  const { stdout } = await migrate(from.url, to.url);
  expect(stdout).toContain('copied 0 jobs: 0 that wait, 0 that are finished\n1 had expired\n');
});

async function endOne(side: QueueSide): Promise<void> {
  const { job } = await submit(side, 'canceled');
  await side.queue.cancel(job);
}

describe('accepted migrate refuses', () => {
  it('an embedded store that a process uses', async () => {
    const [from, to] = [await setUpStore('embedded'), await setUpStore('redis')];
    await from.open();
    const { code, stderr } = await migrate('embedded', to.url, from.settings.DATA_DIR);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^accepted: DATA_DIR: another process uses /)]);
  });

  it.each(['redis', 'postgres'] as const)('a store on %s that an API or a worker uses', async (backend) => {
    const [from, to] = [await setUpStore(backend), await setUpStore(backend)];
    const side = await from.open();
    const workers = side.startWorkers();
    onTestFinished(() => workers.close(1000));
    const stop = side.events.subscribe((await submit(side, 'followed')).job.id, () => undefined);
    onTestFinished(stop);
    const used = 'an API or a worker is connected to this store; stop all of them first';
    await poll(
      () => side.backend.countUsers(),
      (users) => users > 0,
    );
    expect(await migrate(from.url, to.url)).toMatchObject({ code: 1, stderr: `accepted: --from: ${used}\n` });
  });

  it('a target with a secret of its own', async () => {
    const [from, to] = [await setUpStore('redis'), await setUpStore('redis')];
    for (const store of [from, to]) await (await store.open()).close();
    const { code, stderr } = await migrate(from.url, to.url);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^accepted: --to: this store has been used/)]);
  });

  it.each([
    ['redis://127.0.0.1:1', 'redis://127.0.0.1:2', 1, /^accepted: --from: cannot be reached/],
    ['mysql://localhost', 'redis://127.0.0.1:2', 2, /^accepted: --from: expected a URL that starts with redis:/],
    ['embedded', 'embedded', 2, /^accepted: --to: expected a URL/],
    ['redis://127.0.0.1:1', 'redis://127.0.0.1:1', 2, /^accepted: --from and --to are the same store/],
    ['embedded', 'redis://127.0.0.1:1', 1, /^accepted: DATA_DIR: there is no store in /],
  ])('from %s to %s: exit code %i', async (from, to, expected, message) => {
    const { code, stderr } = await migrate(from, to, '/nowhere');
    expect([code, stderr]).toEqual([expected, expect.stringMatching(message)]);
  });
});
