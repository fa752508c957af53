import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { API_KEYS, type Answer, type Client, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

const jobSchema = z.looseObject({ id: z.string(), createdAt: z.string(), caller: z.string().nullable() });
type ListedJob = z.output<typeof jobSchema>;
const restSchema = z.object({ items: z.array(jobSchema) });
const graphqlSchema = z.object({ data: z.object({ jobs: z.object({ nodes: z.array(jobSchema) }) }) });
const problemSchema = z.object({ errors: z.array(z.object({ pointer: z.string() })) });
const errorsSchema = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      extensions: z.object({ code: z.string(), issues: z.array(z.object({ path: z.array(z.string()) })).default([]) }),
    }),
  ),
});

interface Filter {
  readonly type?: string;
  readonly status?: string;
  readonly caller?: string;
  readonly createdAfter?: string;
  readonly createdBefore?: string;
}

const LIST = `query ($filter: JobFilter) { jobs(filter: $filter, first: 100) { nodes { id createdAt caller } } }`;
const onRest = (client: Client, filter: Filter): Promise<Answer> =>
  client.rest(`/api/jobs?limit=100&${new URLSearchParams({ ...filter }).toString()}`);
const onGraphql = (client: Client, { status, ...filter }: Filter): Promise<Answer> =>
  client.graphql(LIST, { filter: { ...filter, ...(status !== undefined && { status: status.toUpperCase() }) } });

/** The list, which is the same on both APIs. */
async function list(client: Client, filter: Filter = {}): Promise<ListedJob[]> {
  const { items } = restSchema.parse((await onRest(client, filter)).body);
  const jobs = items.map(({ id, createdAt, caller }) => ({ id, createdAt, caller }));
  const { data } = graphqlSchema.parse((await onGraphql(client, filter)).body);
  expect(data.jobs.nodes).toEqual(jobs);
  return jobs;
}

async function submit(client: Client): Promise<ListedJob> {
  const { body } = await client.rest('/api/scripted-jobs', { method: 'POST', body: { text: 'x' } });
  return jobSchema.parse(body);
}

/** A moment later, so that each job has a time of its own. */
const later = (time: string, ms = 1): string => new Date(Date.parse(time) + ms).toISOString();
async function submitLater(client: Client, after: ListedJob): Promise<ListedJob> {
  const job = await submit(client);
  return job.createdAt > after.createdAt ? job : submitLater(client, after);
}

describe.each(BACKENDS)('lists of an admin on %s', (backend) => {
  let app: TestApp;
  let mine: ListedJob;
  let theirs: ListedJob;
  const client = (name: KeyName): Client => clientOf(app, bearer(keyOf(name)));

  beforeAll(async () => {
    app = await startApp(backend, { API_KEYS, JOBS_DIR });
    mine = await submit(client('ada'));
    theirs = await submitLater(client('eve'), mine);
  });
  afterAll(() => app.close());

  const ids = async (name: KeyName, filter?: Filter): Promise<string[]> =>
    (await list(client(name), filter)).map(({ id }) => id);

  it('have all callers’ jobs, or one’s', async () => {
    expect(await list(client('admin'))).toEqual([
      { id: theirs.id, createdAt: theirs.createdAt, caller: 'key:eve' },
      { id: mine.id, createdAt: mine.createdAt, caller: 'key:ada' },
    ]);
    expect(await ids('admin', { caller: 'key:ada', type: 'scripted' })).toEqual([mine.id]);
    expect(await ids('admin', { caller: 'key:nobody' })).toEqual([]);
  });

  it('are of a caller’s own jobs without the scope, and name no caller', async () => {
    expect(await list(client('ada'))).toEqual([{ id: mine.id, createdAt: mine.createdAt, caller: null }]);
    expect(await ids('ada', { caller: 'key:ada' })).toEqual([mine.id]);
    for (const caller of ['key:eve', 'key:nobody']) {
      const rest = await onRest(client('ada'), { caller });
      expect(rest.status).toBe(403);
      expect(rest.body).toMatchObject({ detail: 'The scope admin is required.' });
      const { errors } = errorsSchema.parse((await onGraphql(client('ada'), { caller })).body);
      expect(errors).toMatchObject([
        { message: 'The scope admin is required.', extensions: { code: 'FORBIDDEN', issues: [] } },
      ]);
    }
  });

  it('have the jobs from one time up to another', async () => {
    expect(await ids('admin', { createdAfter: theirs.createdAt })).toEqual([theirs.id]);
    expect(await ids('admin', { createdAfter: later(theirs.createdAt) })).toEqual([]);
    expect(await ids('admin', { createdBefore: theirs.createdAt })).toEqual([mine.id]);
    expect(await ids('admin', { createdAfter: mine.createdAt, createdBefore: later(theirs.createdAt) })).toEqual([
      theirs.id,
      mine.id,
    ]);
    expect(await ids('admin', { createdAfter: mine.createdAt, createdBefore: mine.createdAt })).toEqual([]);
    // The same time elsewhere, with a plus sign that was not escaped.
    const elsewhere = later(theirs.createdAt, 3_600_000).replace('Z', '+01:00');
    const { body } = await client('admin').rest(`/api/jobs?createdAfter=${elsewhere}`);
    expect(restSchema.parse(body).items.map(({ id }) => id)).toEqual([theirs.id]);
  });
});

describe('a filter', () => {
  let app: TestApp;
  const client = (): Client => clientOf(app);
  beforeAll(async () => {
    app = await startApp('redis', { JOBS_DIR });
  });
  afterAll(() => app.close());

  it.each<[Filter, string]>([
    [{ createdAfter: 'yesterday' }, 'createdAfter'],
    [{ createdBefore: '2026-02-30T00:00:00Z' }, 'createdBefore'],
    [{ createdBefore: '2026-02-03' }, 'createdBefore'],
    [{ createdAfter: '2026-02-03T00:00:00.001Z', createdBefore: '2026-02-03T00:00:00Z' }, 'createdBefore'],
    [{ caller: 'x'.repeat(141) }, 'caller'],
    [{ caller: 'é' }, 'caller'],
  ])('names what is wrong: %j', async (filter, name) => {
    const rest = await onRest(client(), filter);
    expect(rest.status).toBe(400);
    expect(problemSchema.parse(rest.body).errors).toMatchObject([{ pointer: `#/${name}` }]);
    const graphql = await onGraphql(client(), filter);
    const { errors } = errorsSchema.parse(graphql.body);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['filter', name] }] } }]);
  });

  it('filters nothing where it is empty', async () => {
    const job = await submit(client());
    const rest = await client().rest('/api/jobs?type=&status=&caller=&createdAfter=&createdBefore=');
    expect(restSchema.parse(rest.body).items.map(({ id }) => id)).toContain(job.id);
    const nulls = { type: null, status: [], caller: null, createdAfter: null, createdBefore: null };
    const graphql = await client().graphql(LIST, { filter: nulls });
    expect(graphqlSchema.parse(graphql.body).data.jobs.nodes.map(({ id }) => id)).toContain(job.id);
  });

  it('goes with the older arguments, but not twice for the same', async () => {
    const job = await submit(client());
    const both = await client().graphql(
      `{ jobs(type: "scripted", filter: { caller: "anonymous" }) { nodes { id createdAt caller } } }`,
    );
    expect(graphqlSchema.parse(both.body).data.jobs.nodes.map(({ id }) => id)).toContain(job.id);
    const twice = await client().graphql(
      `{ jobs(type: "scripted", status: [PENDING], filter: { type: "scripted", status: [FAILED] }) { nodes { id } } }`,
    );
    expect(errorsSchema.parse(twice.body).errors).toMatchObject([
      {
        extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['filter', 'type'] }, { path: ['filter', 'status'] }] },
      },
    ]);
  });
});

it('a server without authentication shows everybody who submitted a job', async () => {
  const app = await startAppForTest('redis', { AUTH: 'none', JOBS_DIR });
  const job = await submit(clientOf(app));
  expect(job.caller).toBe('anonymous');
  expect(await list(clientOf(app), { caller: 'anonymous' })).toMatchObject([{ id: job.id, caller: 'anonymous' }]);
});
