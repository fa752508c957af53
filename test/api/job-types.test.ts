import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jobTypeStatsSchema } from '../../src/core/job-type-stats.ts';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { API_KEYS, type Client, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const STATS = `{
  name description paused
  counts { pending running succeeded failed canceled exact }
  lastMinute { succeeded failed } lastHour { succeeded failed } lastDay { succeeded failed }
  oldestWaitingSeconds duration { p50 p95 } waiting { p50 p95 } history { succeeded failed }
  schedule { cron timezone nextRunAt }
}`;

const listSchema = z.object({ items: z.array(jobTypeStatsSchema) });
const typesSchema = z.object({ data: z.object({ jobTypes: z.array(jobTypeStatsSchema) }) });
const pausedSchema = z.object({ data: z.object({ stats: jobTypeStatsSchema }) });

describe.each(BACKENDS)('job types on %s', (backend) => {
  let app: TestApp;
  const client = (name: KeyName): Client => clientOf(app, bearer(keyOf(name)));
  const post = (name: KeyName, path: string) => client(name).rest(path, { method: 'POST' });
  const scripted = async () => {
    const { body } = await client('admin').rest('/api/job-types');
    return listSchema.parse(body).items.find(({ name }) => name === 'scripted');
  };
  beforeAll(async () => {
    app = await startApp(backend, { API_KEYS, JOBS_DIR });
  });
  afterAll(() => app.close());

  it('are the same on both APIs', async () => {
    const submitted = await client('ada').rest('/api/scripted-jobs', {
      method: 'POST',
      body: { text: 'any' },
      headers: { Prefer: 'wait=20' },
    });
    expect(submitted.status).toBe(200);
    const rest = await poll(scripted, (stats) => stats?.lastHour.succeeded === 1);
    expect(rest).toMatchObject({ paused: false, counts: { succeeded: 1, exact: true }, oldestWaitingSeconds: null });
    const { body } = await client('admin').graphql(`{ jobTypes ${STATS} }`);
    const graphql = typesSchema.parse(body).data.jobTypes;
    expect(graphql.find(({ name }) => name === 'scripted')).toEqual(rest);
  });

  it.each(['ada', 'reader', 'submitter'] as const)('are for admins, not for %s', async (name) => {
    for (const answer of [
      await client(name).rest('/api/job-types'),
      await post(name, '/api/job-types/scripted/pause'),
      await post(name, '/api/job-types/scripted/resume'),
    ])
      expect(answer).toMatchObject({ status: 403, body: { detail: 'The scope admin is required.' } });
    for (const text of [
      '{ jobTypes { name } }',
      'mutation { pauseJobType(type: "scripted") { name } }',
      'mutation { resumeJobType(type: "scripted") { name } }',
    ])
      expect((await client(name).graphql(text)).body).toMatchObject({
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
    expect(await scripted()).toMatchObject({ paused: false });
  });

  it('are paused and resumed by either API', async () => {
    const change = async (action: 'pause' | 'resume') => {
      const { body } = await client('admin').graphql(`mutation { stats: ${action}JobType(type: "scripted") ${STATS} }`);
      return pausedSchema.parse(body).data.stats;
    };
    expect(await post('admin', '/api/job-types/scripted/pause')).toMatchObject({ status: 200, body: { paused: true } });
    expect(await change('pause')).toMatchObject({ name: 'scripted', paused: true });

    const submit = { method: 'POST', body: { text: 'waits' } };
    const { status, body } = await client('ada').rest('/api/scripted-jobs', submit);
    expect(status).toBe(202);
    const { id } = z.object({ id: z.string() }).parse(body);
    expect(await scripted()).toMatchObject({ counts: { pending: 1 }, oldestWaitingSeconds: expect.any(Number) });
    // The pace is measured in the background.
    const waiting = await poll(
      () => client('ada').rest(`/api/jobs/${id}`),
      ({ headers }) => headers.get('retry-after') === '10',
    );
    expect(waiting.status).toBe(202);

    expect(await change('resume')).toMatchObject({ paused: false });
    expect(await post('admin', '/api/job-types/scripted/resume')).toMatchObject({ body: { paused: false } });
    const done = await client('ada').rest(`/api/jobs/${id}`, { headers: { Prefer: 'wait=20' } });
    expect(done.status).toBe(303);
  });

  it('that do not exist are not found', async () => {
    expect(await post('admin', '/api/job-types/nothing/pause')).toMatchObject({
      status: 404,
      body: { detail: 'There is no job type with this name.' },
    });
    const { body } = await client('admin').graphql('mutation { resumeJobType(type: "nothing") { name } }');
    expect(body).toMatchObject({ data: { resumeJobType: null }, errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });
});

it('a job type with a schedule shows when it is due next, on both APIs', async () => {
  const app = await startAppForTest('redis', { JOBS_DIR: join(JOBS_DIR, '../scheduled') });
  const yearly = {
    cron: '0 0 1 1 *',
    timezone: 'Europe/Berlin',
    nextRunAt: expect.stringMatching(/-12-31T23:00:00.000Z$/),
  };
  const read = async () => (await app.fetch('/api/job-types')).json();
  const rest = await poll(read, ({ items: [type] }) => type.schedule.nextRunAt !== null);
  expect(rest).toMatchObject({
    items: [
      { name: 'yearly', schedule: yearly },
      { name: 'bulkAction', schedule: null },
    ],
  });
  const graphql = await clientOf(app).graphql(`{ jobTypes ${STATS} }`);
  expect(typesSchema.parse(graphql.body).data.jobTypes[0]?.schedule).toEqual(yearly);
});
