import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { statesOf } from '../support/states.ts';
import { type Store, createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

const FIELDS = `id type status done cancelRequested percentComplete message attempt maxAttempts createdAt lastUpdatedAt startedAt finishedAt
  expiresAt error { code message } statusUrl resultUrl resourceUrl retryAfter traceId history { attempt startedAt finishedAt error { code message } }`;

const utc = z.iso.datetime();
const jobSchema = z.object({
  id: z.string().regex(/^scripted_[\w-]{22}$/),
  type: z.literal('scripted'),
  status: z.string(),
  done: z.boolean(),
  cancelRequested: z.boolean(),
  percentComplete: z.int().min(0).max(100),
  message: z.string().nullable(),
  attempt: z.int(),
  maxAttempts: z.int(),
  createdAt: utc,
  lastUpdatedAt: utc,
  startedAt: utc.nullable(),
  finishedAt: utc.nullable(),
  expiresAt: utc.nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  statusUrl: z.url(),
  resultUrl: z.url().nullable(),
  resourceUrl: z.null(),
  retryAfter: z.int().min(1).nullable(),
  traceId: z.null(),
  history: z.array(
    z.object({
      attempt: z.int(),
      startedAt: utc,
      finishedAt: utc,
      error: z.object({ code: z.string(), message: z.string() }),
    }),
  ),
});
type ShownJob = z.output<typeof jobSchema>;

/** The contract's sections on terms and on the job that both APIs show, sentence by sentence. */
describe('a job', () => {
  let store: Store;
  let app: TestApp;
  /** Has no worker: its jobs are run by `app`, once that is started. */
  let api: TestApp;
  const shown = new Map<string, ShownJob>();

  const read = async (on: TestApp, id: string): Promise<ShownJob> =>
    jobSchema.parse(await (await on.fetch(`/api/jobs/${id}?onComplete=status&onPending=ok`)).json());
  const submit = async (on: TestApp, text: string): Promise<string> =>
    z.object({ id: z.string() }).parse(await (await on.post('/api/scripted-jobs', { text })).json()).id;
  const finish = (id: string): Promise<Response> => app.fetch(`/api/jobs/${id}?onPending=synchronous`);

  beforeAll(async () => {
    store = await createStore('postgres');
    api = await startApp('postgres', { JOBS_DIR }, { role: 'api', store });
    const pending = await submit(api, 'pending');
    shown.set('Pending', await read(api, pending));

    app = await startApp('postgres', { LOG_LEVEL: 'silent', JOBS_DIR }, { store });
    const gate = createGate();
    script('running', async (job) => {
      await job.progress(30, 'begun');
      await job.progress(41.9, 'nearly half');
      await gate.pass();
      return { text: 'running' };
    });
    const running = await submit(app, 'running');
    await gate.reached;
    shown.set('Running', await read(app, running));
    const canceling = await app.fetch(`/api/jobs/${running}`, { method: 'DELETE' });
    shown.set('canceling', jobSchema.parse(await canceling.json()));
    await finish(running);
    shown.set('Canceled', await read(app, running));
    gate.open();

    script('failed', async () => {
      throw new Error('the password of the database is 123');
    });
    const failed = await submit(app, 'failed');
    await finish(failed);
    shown.set('Failed', await read(app, failed));
    await finish(pending);
    shown.set('Succeeded', await read(app, pending));
  });
  afterAll(async () => {
    await app.close();
    await api.close();
    store.remove();
  });

  const job = (status: string): ShownJob => shown.get(status) ?? expect.fail(`no job was ${status}`);

  it.each(['Pending', 'Running', 'Succeeded', 'Failed', 'Canceled'])('has the status %s', (status) => {
    expect(job(status).status).toBe(status);
  });

  it.each(['Succeeded', 'Failed', 'Canceled'])(
    'has the same fields with the same meaning on both APIs: %s',
    async (status) => {
      const { id } = job(status);
      const { jobStatus } = await app.graphql.request<{ jobStatus: ShownJob }>(
        `query ($id: ID!) { jobStatus(id: $id) { ${FIELDS} } }`,
        { id },
      );
      expect(jobStatus).toEqual({ ...(await read(app, id)), status: status.toUpperCase() });
    },
  );

  it('is done when its status is final', () => {
    expect([...shown].map(([status, { done }]) => [status, done])).toEqual([
      ['Pending', false],
      ['Running', false],
      ['canceling', false],
      ['Canceled', true],
      ['Failed', true],
      ['Succeeded', true],
    ]);
  });

  it('says while it runs whether it was told to stop', () => {
    expect([...shown].filter(([, { cancelRequested }]) => cancelRequested).map(([status]) => status)).toEqual([
      'canceling',
    ]);
    expect(job('canceling')).toEqual({ ...job('Running'), cancelRequested: true, retryAfter: 1 });
  });

  it('has percentComplete from 0 to 100, and 100 when Succeeded', () => {
    expect(job('Pending').percentComplete).toBe(0);
    expect(job('Running').percentComplete).toBe(41);
    expect(job('Succeeded').percentComplete).toBe(100);
  });

  it('has the latest progress message', () => {
    expect(job('Pending').message).toBeNull();
    expect(job('Running').message).toBe('nearly half');
  });

  it('has the number of attempts started so far, and their maximum', () => {
    expect(job('Pending')).toMatchObject({ attempt: 0, maxAttempts: 3 });
    expect(job('Running')).toMatchObject({ attempt: 1, maxAttempts: 3 });
    expect(job('Failed')).toMatchObject({ attempt: 3, maxAttempts: 3 });
  });

  it('has times that are null until known', () => {
    expect(job('Pending')).toMatchObject({ startedAt: null, finishedAt: null, expiresAt: null });
    expect(job('Running')).toMatchObject({ finishedAt: null, expiresAt: null });
    expect(job('Running').startedAt).not.toBeNull();
    const { createdAt, startedAt, finishedAt, expiresAt } = job('Succeeded');
    const times = [createdAt, startedAt, finishedAt, expiresAt].map((time) => Date.parse(time ?? ''));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('expires JOB_RETENTION_SECONDS after it finished', () => {
    const { finishedAt, expiresAt } = job('Succeeded');
    expect(Date.parse(expiresAt ?? '') - Date.parse(finishedAt ?? '')).toBe(86_400_000);
  });

  it('has an error only if it Failed or was Canceled, without a stack or an internal message', () => {
    for (const status of ['Pending', 'Running', 'Succeeded']) expect(job(status).error).toBeNull();
    expect(job('Canceled').error).toEqual({ code: 'JOB_CANCELED', message: 'The job was canceled.' });
    expect(job('Failed').error?.code).toBe('JOB_FAILED');
    expect(JSON.stringify(job('Failed'))).not.toMatch(/password|\bat /);
  });

  it('has an absolute statusUrl to poll, and a resultUrl that is null until it has Succeeded', async () => {
    for (const { id, statusUrl } of shown.values()) expect(new URL(statusUrl).pathname).toBe(`/api/jobs/${id}`);
    for (const status of ['Pending', 'Running', 'Failed', 'Canceled']) expect(job(status).resultUrl).toBeNull();
    const { id, resultUrl } = job('Succeeded');
    expect(new URL(resultUrl ?? '').pathname).toBe(`/api/jobs/${id}/result`);
  });

  it('has the seconds that a poller should wait, and null when it is done', () => {
    for (const { done, retryAfter } of shown.values()) expect(retryAfter === null).toBe(done);
  });

  it('has a typed result on GraphQL, which is null until it has Succeeded', async () => {
    const query = 'query ($id: ID!) { jobStatus(id: $id) { ... on ScriptedJob { input { text } result { text } } } }';
    const succeeded = await app.graphql.request(query, { id: job('Succeeded').id });
    expect(succeeded).toEqual({ jobStatus: { input: { text: 'pending' }, result: { text: 'pending' } } });
    const failed = await app.graphql.request(query, { id: job('Failed').id });
    expect(failed).toEqual({ jobStatus: { input: { text: 'failed' }, result: null } });
  });

  it('keeps the attempts that did not succeed', () => {
    const { history } = job('Failed');
    expect(history.map(({ attempt, error }) => [attempt, error.code])).toEqual([
      [1, 'JOB_FAILED'],
      [2, 'JOB_FAILED'],
      [3, 'JOB_FAILED'],
    ]);
    expect(job('Canceled').history).toMatchObject([{ attempt: 1, error: { code: 'JOB_CANCELED' } }]);
  });

  it('is Pending again between attempts, and leaves a final status only by a retry', async () => {
    const text = randomUUID();
    const gates = [createGate(), createGate()];
    script(text, async ({ attempt }) => {
      await gates[attempt - 1]?.pass();
      throw new JobError('AGAIN', 'Not yet.', { retry: attempt === 1 });
    });
    const id = await submit(app, text);
    const statuses: string[] = [];
    for await (const state of statesOf(await app.fetch(`/api/jobs/${id}/events`))) {
      statuses.push(jobSchema.parse(state).status);
      // A client that has one state waits for the next.
      for (const gate of gates) gate.open();
    }
    expect(statuses.slice(-4)).toEqual(['Running', 'Pending', 'Running', 'Failed']);
    expect((await app.fetch(`/api/jobs/${id}`, { method: 'DELETE' })).status).toBe(409);
    expect((await read(app, id)).status).toBe('Failed');
    script(text, async () => ({ text }));
    await app.fetch(`/api/jobs/${id}/retry`, { method: 'POST' });
    await finish(id);
    expect((await read(app, id)).status).toBe('Succeeded');
  });
});
