import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { API_KEYS, type Client, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const jobSchema = z.object({ id: z.string(), type: z.string(), status: z.string(), createdAt: z.string() });
const bulkSchema = z.object({ data: z.object({ job: z.object({ id: z.string(), status: z.string() }) }) });

describe.each(BACKENDS)('bulk actions on %s', (backend) => {
  let app: TestApp;
  const client = (name: KeyName): Client => clientOf(app, bearer(keyOf(name)));
  const post = (name: KeyName, path: string, body?: unknown, headers = {}) =>
    client(name).rest(path, { method: 'POST', headers, ...(body !== undefined && { body }) });
  // A busy machine may refuse one of many at once.
  const submit = async (name: KeyName, text: string) =>
    jobSchema.parse(
      (
        await poll(
          () => post(name, '/api/scripted-jobs', { text }),
          ({ status }) => status !== 503,
        )
      ).body,
    );
  const statusOf = async (id: string): Promise<string> =>
    jobSchema.parse((await client('admin').rest(`/api/jobs/${id}?onComplete=status`)).body).status;
  const statusesOf = (jobs: readonly { id: string }[]) => Promise.all(jobs.map(({ id }) => statusOf(id)));
  /** The result of a bulk action, when it is done. */
  const resultOf = async (name: KeyName, id: string): Promise<unknown> => {
    const wait = { headers: { Prefer: 'wait=30' } };
    return (await client(name).rest(`/api/jobs/${id}?onComplete=stream`, wait)).body;
  };
  const bulk = async (name: KeyName, action: 'cancel' | 'retry', filter: object): Promise<unknown> => {
    const { status, body } = await post(name, `/api/jobs/${action}`, filter);
    expect(status).toBe(202);
    const job = jobSchema.parse(body);
    expect(job.type).toBe('bulkAction');
    return resultOf(name, job.id);
  };
  const pause = (action: 'pause' | 'resume') => post('admin', `/api/job-types/scripted/${action}`);

  beforeAll(async () => {
    app = await startApp(backend, { API_KEYS, JOBS_DIR });
    await pause('pause');
  });
  afterAll(() => app.close());

  it("cancels the caller's jobs that match, and an admin's choice of all", async () => {
    const own = [await submit('ada', 'a'), await submit('ada', 'b')];
    const others = [await submit('eve', 'c')];
    expect(await bulk('ada', 'cancel', { type: 'scripted' })).toEqual({ matched: 2, changed: 2, skipped: 0 });
    expect(await statusesOf([...own, ...others])).toEqual(['Canceled', 'Canceled', 'Pending']);
    expect(await bulk('ada', 'cancel', { type: 'scripted' })).toEqual({ matched: 0, changed: 0, skipped: 0 });
    const mine = await submit('ada', 'd');
    expect(await bulk('admin', 'cancel', { caller: 'key:eve' })).toEqual({ matched: 1, changed: 1, skipped: 0 });
    expect(await statusesOf([...others, mine])).toEqual(['Canceled', 'Pending']);
    expect(await bulk('admin', 'cancel', { status: ['Pending'] })).toEqual({ matched: 1, changed: 1, skipped: 0 });
    expect(await statusOf(mine.id)).toBe('Canceled');
  });

  it('heeds the time of creation, and goes over pages', async () => {
    const before = await submit('ada', 'before');
    // Times have milliseconds.
    await poll(
      async () => Date.now(),
      (now) => now > Date.parse(before.createdAt) + 1,
    );
    const jobs = await Promise.all(Array.from({ length: 130 }, () => submit('ada', 'many')));
    const createdAfter = jobs.map(({ createdAt }) => createdAt).toSorted()[0];
    expect(await bulk('ada', 'cancel', { createdAfter })).toEqual({ matched: 130, changed: 130, skipped: 0 });
    expect(await statusOf(before.id)).toBe('Pending');
    expect(await bulk('ada', 'cancel', { createdBefore: createdAfter })).toMatchObject({ changed: 1 });
    expect(await statusOf(before.id)).toBe('Canceled');
  });

  it('retries failed jobs, and canceled ones on purpose', async () => {
    const [failing, canceled] = [`failing ${randomUUID()}`, `canceled ${randomUUID()}`];
    let fails = true;
    script(failing, async () => {
      if (fails) throw new JobError('BROKEN', 'As scripted.', { retry: false });
      return { text: failing };
    });
    const jobs = [await submit('ada', failing), await submit('ada', canceled)];
    await client('ada').rest(`/api/jobs/${jobs[1]?.id}`, { method: 'DELETE' });
    await pause('resume');
    await poll(
      () => statusesOf(jobs),
      ([first]) => first === 'Failed',
    );
    fails = false;
    const createdAfter = jobs[0]?.createdAt;
    expect(await bulk('ada', 'retry', { createdAfter })).toEqual({ matched: 1, changed: 1, skipped: 0 });
    const filter = { createdAfter, status: ['Canceled', 'Succeeded'] };
    expect(await bulk('ada', 'retry', filter)).toEqual({ matched: 1, changed: 1, skipped: 0 });
    await poll(
      () => statusesOf(jobs),
      (statuses) => statuses.every((status) => status === 'Succeeded'),
    );
    await pause('pause');
  });

  it('is on GraphQL too, with its input and its result', async () => {
    const job = await submit('ada', 'graphql');
    const text = 'mutation ($filter: JobFilter!) { job: cancelJobs(filter: $filter) { id status } }';
    const { body } = await client('ada').graphql(text, { filter: { type: 'scripted', status: ['PENDING'] } });
    const { id } = bulkSchema.parse(body).data.job;
    expect(await resultOf('ada', id)).toEqual({ matched: 1, changed: 1, skipped: 0 });
    expect(await statusOf(job.id)).toBe('Canceled');
    const read = `{ jobStatus(id: "${id}") { type ... on BulkActionJob {
      input { action filter { type status caller } } result { matched changed skipped } } } }`;
    expect((await client('ada').graphql(read)).body).toEqual({
      data: {
        jobStatus: {
          type: 'bulkAction',
          input: { action: 'CANCEL', filter: { type: 'scripted', status: ['PENDING'], caller: 'key:ada' } },
          result: { matched: 1, changed: 1, skipped: 0 },
        },
      },
    });
    const retried = await client('ada').graphql(
      'mutation { job: retryJobs(filter: {type: "scripted"}) { id status } }',
    );
    expect(bulkSchema.parse(retried.body).data.job.status).toBe('PENDING');
  });

  it('is a job like others: listed, repeated safely, and canceled', async () => {
    const key = { 'Idempotency-Key': `"${randomUUID()}"` };
    const first = await post('ada', '/api/jobs/cancel', { type: 'scripted' }, key);
    const again = await post('ada', '/api/jobs/cancel', { type: 'scripted' }, key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const { id } = jobSchema.parse(first.body);
    expect(jobSchema.parse(again.body).id).toBe(id);
    // While it waits or runs, another one would match it.
    await resultOf('ada', id);
    const { body } = await client('ada').rest('/api/jobs?type=bulkAction&limit=1');
    expect(body).toMatchObject({ items: [{ type: 'bulkAction' }] });

    await post('admin', '/api/job-types/bulkAction/pause');
    const waiting = jobSchema.parse((await post('ada', '/api/jobs/cancel', { type: 'scripted' })).body);
    const other = jobSchema.parse((await post('ada', '/api/jobs/cancel', { type: 'bulkAction' })).body);
    expect((await client('ada').rest(`/api/jobs/${waiting.id}`, { method: 'DELETE' })).status).toBe(200);
    await post('admin', '/api/job-types/bulkAction/resume');
    // It leaves itself alone.
    expect(await resultOf('ada', other.id)).toEqual({ matched: 0, changed: 0, skipped: 0 });
  });

  it('tells running jobs to stop', async () => {
    const gate = createGate();
    const text = `running ${randomUUID()}`;
    script(text, async (job) => {
      await Promise.race([gate.pass(), new Promise((resolve) => job.signal.addEventListener('abort', resolve))]);
      return { text };
    });
    await pause('resume');
    const job = await submit('ada', text);
    await gate.reached;
    expect(await bulk('ada', 'cancel', { status: ['Running'] })).toEqual({ matched: 1, changed: 1, skipped: 0 });
    await poll(
      () => statusOf(job.id),
      (status) => status === 'Canceled',
    );
    gate.open();
    await pause('pause');
  });

  it.each([
    ['cancel', {}, '#', 'An empty filter matches all jobs; to mean that, send the present time as createdBefore'],
    ['retry', { type: 'nothing' }, '#/type', 'Unknown job type'],
    [
      'cancel',
      { status: ['Failed'] },
      '#/status',
      'No job with this status can be changed: expected Pending or Running',
    ],
    ['retry', { statuses: ['Failed'] }, '#/statuses', expect.any(String)],
    ['retry', { createdAfter: 'yesterday' }, '#/createdAfter', expect.any(String)],
  ] as const)('refuses to %s by %j', async (action, filter, pointer, detail) => {
    expect(await post('ada', `/api/jobs/${action}`, filter)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer, detail }] },
    });
  });

  it('needs the scope submit, and admin for the jobs of others', async () => {
    const filter = { caller: 'key:eve' };
    expect(await post('reader', '/api/jobs/cancel', filter)).toMatchObject({ status: 403 });
    expect(await post('ada', '/api/jobs/cancel', filter)).toMatchObject({ status: 403 });
    const text = 'mutation { job: retryJobs(filter: {caller: "key:eve"}) { id } }';
    for (const name of ['reader', 'ada'] as const)
      expect((await client(name).graphql(text)).body).toMatchObject({
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
    expect(await post('submitter', '/api/jobs/cancel', { type: 'scripted' })).toMatchObject({ status: 202 });
  });

  it('has no operations of a project’s type', async () => {
    expect(await post('ada', '/api/bulk-actions', {})).toMatchObject({ status: 404 });
    const { body } = await client('ada').graphql('{ __schema { mutationType { fields { name } } } }');
    expect(JSON.stringify(body)).not.toContain('submitBulkAction');
  });
});
