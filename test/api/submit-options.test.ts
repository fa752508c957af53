import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { JobNotSucceededError, createClient } from '../../src/client/client.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { type Answer, type Client, clientOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const FIELDS = 'id status scheduledFor startBefore priority tags retryAfter';
const SUBMIT = `mutation ($options: SubmitOptions, $key: String) {
  submitScripted(input: { text: "hello" }, idempotencyKey: $key, options: $options) { replayed job { ${FIELDS} } }
}`;

const jobSchema = z.object({
  id: z.string(),
  status: z.string(),
  scheduledFor: z.string().nullable(),
  startBefore: z.string().nullable(),
  priority: z.number(),
  tags: z.array(z.string()),
  retryAfter: z.number().nullable(),
});
const submittedSchema = z.object({
  data: z.object({ submitScripted: z.object({ replayed: z.boolean(), job: jobSchema }) }),
});

const listSchema = z.object({ items: z.array(z.object({ id: z.string() })) });
const idsIn = ({ body }: Answer): string[] => listSchema.parse(body).items.map(({ id }) => id);
const nodesSchema = z.object({ data: z.object({ jobs: z.object({ nodes: z.array(z.object({ id: z.string() })) }) }) });
const jobIdSchema = z.object({ id: z.string() });
const bulkSchema = z.object({ data: z.object({ cancelJobs: jobIdSchema }) });

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

describe.each(BACKENDS)('options of a submission on both APIs, on %s', (backend) => {
  let app: TestApp;
  let client: Client;
  const rest = (query: string, headers: Record<string, string> = {}, body: object = { text: 'hello' }) =>
    client.rest(`/api/scripted-jobs${query}`, { method: 'POST', body, headers });
  const submitRest = async (query: string) => jobSchema.parse((await rest(query)).body);
  const graphql = (options: object, key?: string) => client.graphql(SUBMIT, { options, key });
  const submitGraphql = async (options: object) =>
    submittedSchema.parse((await graphql(options)).body).data.submitScripted.job;
  const onBoth = async (options: Record<string, string | number>) => {
    const query = new URLSearchParams(Object.entries(options).map(([name, value]) => [name, `${value}`]));
    return [await submitRest(`?${query}`), await submitGraphql(options)];
  };
  const pause = (action: 'pause' | 'resume') => client.rest(`/api/job-types/scripted/${action}`, { method: 'POST' });

  beforeAll(async () => {
    app = await startApp(backend, { JOBS_DIR });
    client = clientOf(app);
  });
  afterAll(() => app.close());

  it('shows a delayed job as Pending, with the time until it is due', async () => {
    for (const job of [
      ...(await onBoth({ delaySeconds: 20, priority: 3 })),
      ...(await onBoth({ runAt: inSeconds(20) })),
    ]) {
      expect(job.status.toLowerCase()).toBe('pending');
      expect(Date.parse(job.scheduledFor ?? '') - Date.now()).toBeGreaterThan(10_000);
      expect(job.retryAfter).toBeGreaterThan(10);
      expect(job.retryAfter).toBeLessThanOrEqual(20);
      const poll1 = await client.rest(`/api/jobs/${job.id}`);
      expect(poll1.status).toBe(202);
      expect(Number(poll1.headers.get('retry-after'))).toBeGreaterThan(10);
      expect(poll1.body).toMatchObject({ scheduledFor: job.scheduledFor, priority: job.priority });
    }
    const runAt = inSeconds(1000);
    const [job] = await onBoth({ runAt, startWithinSeconds: 60, priority: 9 });
    expect(job).toMatchObject({ scheduledFor: runAt, retryAfter: 60, priority: 9 });
    expect(job?.startBefore).toBe(new Date(Date.parse(runAt) + 60_000).toISOString());
  });

  it('ends a job of a paused type when its time is over, on both APIs', async () => {
    await pause('pause');
    const jobs = await onBoth({ startWithinSeconds: 1 });
    const waiting = await submitRest('');
    for (const { id } of jobs) {
      const ended = await client.rest(`/api/jobs/${id}?onComplete=status`, { headers: { Prefer: 'wait=50' } });
      const error = { code: 'JOB_EXPIRED', message: expect.any(String) };
      expect(ended.body).toMatchObject({ status: 'Canceled', done: true, attempt: 0, error });
      const result = await client.rest(`/api/jobs/${id}/result`);
      expect(result).toMatchObject({ status: 409, body: { code: 'JOB_EXPIRED' } });
      const read = await client.graphql(`{ jobStatus(id: "${id}") { status error { code } history { attempt } } }`);
      expect(read.body).toEqual({
        data: { jobStatus: { status: 'CANCELED', error: { code: 'JOB_EXPIRED' }, history: [] } },
      });
    }
    const list = await client.rest('/api/jobs?status=Canceled&type=scripted');
    const ids = idsIn(list);
    expect(ids).toEqual(jobs.map(({ id }) => id).toReversed());
    expect((await client.rest('/api/job-types')).body).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ counts: expect.objectContaining({ canceled: 2 }) })]),
    });
    await pause('resume');
    const done = await client.rest(`/api/jobs/${waiting.id}?onComplete=status`, { headers: { Prefer: 'wait=50' } });
    expect(done.body).toMatchObject({ status: 'Succeeded', scheduledFor: null, startBefore: null, priority: 0 });
  });

  const past = inSeconds(-60);
  it.each<[string, Record<string, string | number>]>([
    ['priority', { priority: 10 }],
    ['priority', { priority: -1 }],
    ['delaySeconds', { delaySeconds: 2_592_001 }],
    ['runAt', { runAt: inSeconds(2_700_000) }],
    ['runAt', { delaySeconds: 1, runAt: past }],
    ['startBefore', { startBefore: past }],
    ['startBefore', { delaySeconds: 60, startBefore: inSeconds(30) }],
    ['startWithinSeconds', { startBefore: inSeconds(60), startWithinSeconds: 60 }],
    ['startWithinSeconds', { startWithinSeconds: 0 }],
  ])('refuses a bad %s (%o) with its name', async (name, options) => {
    const query = new URLSearchParams(Object.entries(options).map(([key, value]) => [key, `${value}`]));
    expect(await rest(`?${query}`)).toMatchObject({
      status: 400,
      body: { detail: expect.stringMatching(`^${name}: `), errors: [{ pointer: `#/${name}` }] },
    });
    expect((await graphql(options)).body).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['options', name] }] } }],
    });
  });

  it.each([
    'priority=high',
    'priority=1&priority=2',
    'runAt=tomorrow',
    'delaySeconds=1.5',
    'dedupeSeconds=1',
    'dedupeMode=last',
    'dedupeSeconds=0&dedupeId=a',
    'dedupeMode=both&dedupeId=a',
    `dedupeId=${'x'.repeat(51)}`,
    'dedupeId=a&dedupeId=b',
  ])('refuses ?%s on REST', async (query) => {
    const name = query.split('=')[0];
    expect(await rest(`?${query}`)).toMatchObject({ status: 400, body: { errors: [{ pointer: `#/${name}` }] } });
  });

  it.each([
    ['a tag of no characters', ['']],
    ['a tag of 65 characters', ['x'.repeat(65)]],
    ['a tag with a line break', ['a\nb']],
    ['a tag with a comma', ['a,b']],
    ['a tag twice', ['a', 'b', 'a']],
    ['a tag of the server', ['dedupe:a']],
    ['eleven tags', Array.from({ length: 11 }, (_, index) => `${index}`)],
  ])('refuses %s', async (_, tags) => {
    const path = expect.arrayContaining(['options', 'tags']);
    expect((await graphql({ tags })).body).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', issues: [{ path }] } }],
    });
    // REST reads an empty parameter as none, and commas as separators.
    if (tags[0] === '' || tags[0] === 'a,b') return;
    expect(await rest(`?${new URLSearchParams(tags.map((tag) => ['tags', tag]))}`)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: expect.stringMatching(/^#\/tags/) }] },
    });
  });

  it('lists the jobs with a tag on both APIs, and cancels them', async () => {
    await pause('pause');
    const jobs = [
      await submitRest('?tags=red&tags=größe 7&tags=order:1'),
      await submitRest('?tags=red,blue'),
      await submitRest('?tags[]=blue'),
      await submitGraphql({ tags: ['red'] }),
    ];
    const ids = jobs.map(({ id }) => id);
    expect(jobs.map(({ tags }) => tags)).toEqual([['red', 'größe 7', 'order:1'], ['red', 'blue'], ['blue'], ['red']]);
    const listRest = async (query: string) => idsIn(await client.rest(`/api/jobs?${query}`));
    const listGraphql = async (filter: object) => {
      const query = 'query ($filter: JobFilter) { jobs(filter: $filter) { nodes { id } } }';
      return nodesSchema.parse((await client.graphql(query, { filter })).body).data.jobs.nodes.map(({ id }) => id);
    };
    expect(await listRest('tag=red')).toEqual([ids[3], ids[1], ids[0]]);
    expect(await listGraphql({ tag: 'red' })).toEqual([ids[3], ids[1], ids[0]]);
    expect(await listRest('tag=größe 7&status=Pending&type=scripted')).toEqual([ids[0]]);
    expect(await listRest('tag=red&status=Succeeded')).toEqual([]);
    expect(await listGraphql({ tag: 'red', createdBefore: inSeconds(-60) })).toEqual([]);
    expect(await client.rest('/api/jobs?tag=a,b')).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '#/tag' }] },
    });
    const canceled = await client.graphql('mutation { cancelJobs(filter: { tag: "red" }) { id } }');
    const { id } = bulkSchema.parse(canceled.body).data.cancelJobs;
    const wait = { headers: { Prefer: 'wait=50' } };
    const result = await client.rest(`/api/jobs/${id}?onComplete=stream`, wait);
    expect(result.body).toEqual({ matched: 3, changed: 3, skipped: 0 });
    expect(await listRest('tag=red&status=Canceled')).toEqual([ids[3], ids[1], ids[0]]);
    expect(await listRest('tag=blue&status=Pending')).toEqual([ids[2]]);
    const bulk = await client.rest('/api/jobs/cancel', { method: 'POST', body: { tag: 'blue', status: ['Pending'] } });
    const last = await client.rest(`/api/jobs/${jobIdSchema.parse(bulk.body).id}?onComplete=stream`, wait);
    expect(last.body).toEqual({ matched: 1, changed: 1, skipped: 0 });
    await pause('resume');
  });

  it('takes tags in any order for the same', async () => {
    const key = { 'Idempotency-Key': '"tags"' };
    expect((await rest('?tags=a,b', key)).status).toBe(202);
    const again = await rest('?tags=b&tags=a', key);
    expect(again).toMatchObject({ status: 202, body: { tags: ['a', 'b'] } });
    expect((await rest('?tags=a', key)).status).toBe(422);
  });

  it('ignores empty and unknown parameters on REST, and null on GraphQL', async () => {
    expect(await submitRest('?priority=&runAt=&color=red')).toMatchObject({ priority: 0, scheduledFor: null });
    expect(await submitGraphql({ priority: null, runAt: null })).toMatchObject({ priority: 0, scheduledFor: null });
    // A plus sign that the client did not escape.
    const runAt = inSeconds(3600).replace('Z', '+00:00');
    expect((await submitRest(`?runAt=${runAt}`)).scheduledFor).toBe(new Date(runAt).toISOString());
  });

  it('takes one idempotency key on both APIs for the same options alone', async () => {
    const runAt = inSeconds(3600);
    const key = { 'Idempotency-Key': '"both"' };
    const first = await rest(`?runAt=${runAt}&priority=2`, key, { text: 'hello' });
    expect(first.status).toBe(202);
    const again = await graphql({ priority: 2, runAt: runAt.replace('Z', '+00:00') }, 'both');
    expect(again.body).toMatchObject({
      data: { submitScripted: { replayed: true, job: { id: jobSchema.parse(first.body).id, scheduledFor: runAt } } },
    });
    expect(await rest(`?runAt=${runAt}&priority=3`, key)).toMatchObject({
      status: 422,
      body: { type: expect.stringContaining('idempotency-key-reused') },
    });
    expect((await graphql({ runAt }, 'both')).body).toMatchObject({
      errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }],
    });
  });

  it('gives the job that waits for the same deduplication id, on both APIs and by the client', async () => {
    await pause('pause');
    const first = await rest('?dedupeId=nightly%20report&dedupeSeconds=600');
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const { id } = jobSchema.parse(first.body);
    const second = await rest('?dedupeId=nightly%20report', {}, { text: 'second' });
    expect(second).toMatchObject({ status: 202, body: { id, tags: [] } });
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    const third = await graphql({ deduplication: { id: 'nightly report', ttlSeconds: 1, mode: 'LAST' } });
    expect(third.body).toMatchObject({ data: { submitScripted: { replayed: true, job: { id } } } });
    const typed = createClient({ baseUrl: app.url, collections: { scripted: 'scripted-jobs' } });
    const options = { dedupeId: 'nightly report', dedupeSeconds: 60, dedupeMode: 'last' } as const;
    expect((await typed.submit('scripted', { text: 'fourth' }, options)).id).toBe(id);
    await pause('resume');
    const done = await client.rest(`/api/jobs/${id}?onComplete=status`, { headers: { Prefer: 'wait=50' } });
    expect(done.body).toMatchObject({ status: 'Succeeded' });
    expect((await client.rest(`/api/jobs/${id}/result`)).body).toEqual({ text: 'fourth' });
    expect((await submitRest('?dedupeId=nightly%20report')).id).not.toBe(id);
    expect((await graphql({ deduplication: { id: 'a', ttlSeconds: 0 } })).body).toMatchObject({
      errors: [{ extensions: { issues: [{ path: ['options', 'deduplication', 'ttlSeconds'] }] } }],
    });
  });

  it('are options of the client', async () => {
    const typed = createClient({ baseUrl: app.url, collections: { scripted: 'scripted-jobs' } });
    const runAt = new Date(Date.now() + 3_600_000);
    const job = await typed.submit(
      'scripted',
      { text: 'client' },
      { runAt, priority: 7, startWithinSeconds: 60, tags: ['a', 'b c'] },
    );
    expect(job).toMatchObject({ scheduledFor: runAt.toISOString(), priority: 7, tags: ['a', 'b c'] });
    await typed.cancel(job);
    await pause('pause');
    const late = typed.submitAndWait('scripted', { text: 'late' }, { startWithinSeconds: 1 });
    await expect(late).rejects.toThrow(JobNotSucceededError);
    await pause('resume');
    const retried = await typed.retry(job);
    expect(retried).toMatchObject({ scheduledFor: null, startBefore: null, priority: 7, tags: ['a', 'b c'] });
    await poll(
      () => typed.read(job),
      ({ status }) => status === 'Succeeded',
    );
  });
});
