import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { API_KEYS, type Answer, type Client, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { type Gate, createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const NOT_THERE = 'scripted_AAAAAAAAAAAAAAAAAAAAAA';

const jobSchema = z.looseObject({ id: z.string(), status: z.string() });
const listSchema = z.object({ items: z.array(jobSchema) });
const codesSchema = z.object({ errors: z.array(z.object({ extensions: z.looseObject({ code: z.string() }) })) });

/** The code of the first GraphQL error, or undefined. */
const codeOf = ({ body }: Answer): string | undefined => codesSchema.safeParse(body).data?.errors[0]?.extensions.code;

/** All operations on one job: a name, and the request. */
const OF_ONE_JOB: readonly [string, (client: Client, id: string) => Promise<Answer>][] = [
  ['GET /api/jobs/{id}', (client, id) => client.rest(`/api/jobs/${id}`)],
  ['GET /api/jobs/{id} and wait', (client, id) => client.rest(`/api/jobs/${id}`, { headers: { Prefer: 'wait=1' } })],
  ['GET /api/jobs/{id}/result', (client, id) => client.rest(`/api/jobs/${id}/result`)],
  ['GET /api/jobs/{id}/events', (client, id) => client.rest(`/api/jobs/${id}/events`)],
  ['HEAD /api/jobs/{id}/events', (client, id) => client.rest(`/api/jobs/${id}/events`, { method: 'HEAD' })],
  ['GET /api/operations/{id}', (client, id) => client.rest(`/api/operations/${id}`)],
  ['DELETE /api/jobs/{id}', (client, id) => client.rest(`/api/jobs/${id}`, { method: 'DELETE' })],
  ['POST /api/jobs/{id}/retry', (client, id) => client.rest(`/api/jobs/${id}/retry`, { method: 'POST' })],
  ['jobStatus', (client, id) => client.graphql('query ($id: ID!) { jobStatus(id: $id) { id } }', { id })],
  [
    'jobStatus and wait',
    (client, id) => client.graphql('query ($id: ID!) { jobStatus(id: $id, waitSeconds: 1) { id } }', { id }),
  ],
  ['cancelJob', (client, id) => client.graphql('mutation ($id: ID!) { cancelJob(id: $id) { id } }', { id })],
  ['retryJob', (client, id) => client.graphql('mutation ($id: ID!) { retryJob(id: $id) { id } }', { id })],
];

describe.each(BACKENDS)('callers on %s', (backend) => {
  let app: TestApp;
  const client = (name: KeyName): Client => clientOf(app, bearer(keyOf(name)));
  let gate: Gate;
  let running: string;
  let failed: string;

  const submit = async (name: KeyName, text: string, headers = {}) => {
    const answer = await client(name).rest('/api/scripted-jobs', { method: 'POST', body: { text }, headers });
    expect(answer.status).toBe(202);
    return jobSchema.parse(answer.body);
  };
  const status = async (id: string): Promise<string> => {
    const { body } = await client('admin').rest(`/api/jobs/${id}?onComplete=status`);
    return jobSchema.parse(body).status;
  };

  beforeAll(async () => {
    app = await startApp(backend, { API_KEYS, JOBS_DIR });
    gate = createGate();
    const [held, broken] = [`held-${backend}`, `broken-${backend}`];
    script(held, async () => {
      await gate.pass();
      return { text: held };
    });
    script(broken, async () => {
      throw new JobError('BROKEN', 'As scripted.', { retry: false });
    });
    running = (await submit('ada', held)).id;
    await gate.reached;
    failed = (await submit('ada', broken)).id;
    await poll(
      () => status(failed),
      (now) => now === 'Failed',
    );
  });
  afterAll(async () => {
    gate.open();
    await app.close();
  });

  it.each(OF_ONE_JOB)('cannot distinguish the job of another caller from an unknown one: %s', async (name, ask) => {
    const id = name.includes('retry') ? failed : running;
    const theirs = await ask(client('eve'), id);
    const none = await ask(client('eve'), NOT_THERE);
    expect(theirs.status).toBe(none.status);
    expect(JSON.stringify(theirs.body)?.replaceAll(id, NOT_THERE)).toEqual(JSON.stringify(none.body));
    if (name.startsWith('jobStatus')) expect(theirs.body).toEqual({ data: { jobStatus: null } });
    else expect(theirs.status).toBe(404);
    expect([...theirs.headers.keys()]).toEqual([...none.headers.keys()]);
    expect([await status(running), await status(failed)]).toEqual(['Running', 'Failed']);
  });

  it('receive no updates of the jobs of others by a subscription', async () => {
    const watch = async (id: string) => {
      const response = await app.fetch('/graphql', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', ...bearer(keyOf('eve')) },
        body: JSON.stringify({ query: `subscription { jobUpdates(id: "${id}") { id } }` }),
      });
      return { status: response.status, text: await response.text() };
    };
    const theirs = await watch(running);
    expect(theirs).toEqual(await watch(NOT_THERE));
    expect(theirs.text).toContain('NOT_FOUND');
  });

  it('have their own lists on both APIs', async () => {
    const mine = await submit('eve', 'mine');
    const ids = async (name: KeyName): Promise<string[]> => {
      const { body } = await client(name).rest('/api/jobs?limit=100');
      const rest = listSchema.parse(body).items.map(({ id }) => id);
      const onGraphql = await client(name).graphql('{ jobs(first: 100) { nodes { id } } }');
      expect(onGraphql.body).toEqual({ data: { jobs: { nodes: rest.map((id) => ({ id })) } } });
      return rest;
    };
    expect(await ids('ada')).toEqual(expect.arrayContaining([running, failed]));
    expect(await ids('ada')).not.toContain(mine.id);
    expect(await ids('eve')).toContain(mine.id);
    expect(await ids('eve')).not.toContain(running);
    expect(await ids('admin')).toEqual(expect.arrayContaining([running, failed, mine.id]));
  });

  it('have their own idempotency keys on both APIs', async () => {
    const key = randomUUID();
    const headers = { 'Idempotency-Key': `"${key}"` };
    const ada = await submit('ada', 'same', headers);
    const eve = await submit('eve', 'another input', headers);
    expect(eve.id).not.toBe(ada.id);
    const mutation = `mutation { submitScripted(input: { text: "same" }, idempotencyKey: "${key}") { jobId replayed } }`;
    const again = await client('ada').graphql(mutation);
    expect(again.body).toEqual({ data: { submitScripted: { jobId: ada.id, replayed: true } } });
    expect(codeOf(await client('eve').graphql(mutation))).toBe('IDEMPOTENCY_KEY_REUSED');
    // An admin's keys are separate too.
    expect((await submit('admin', 'a third input', headers)).id).not.toBe(ada.id);
  });

  it('can read the input and the result of a job that they can read', async () => {
    const { id } = await submit('ada', 'seen');
    const query = `{ jobStatus(id: "${id}", waitSeconds: 60) { ... on ScriptedJob { input { text } result { text } } } }`;
    const seen = { data: { jobStatus: { input: { text: 'seen' }, result: { text: 'seen' } } } };
    expect((await client('ada').graphql(query)).body).toEqual(seen);
    expect((await client('admin').graphql(query)).body).toEqual(seen);
    expect((await client('eve').graphql(query)).body).toEqual({ data: { jobStatus: null } });
  });

  it('with the scope admin can cancel and retry the jobs of others', async () => {
    const retried = await client('admin').rest(`/api/jobs/${failed}/retry`, { method: 'POST' });
    expect(retried.status).toBe(202);
    await poll(
      () => status(failed),
      (now) => now === 'Failed',
    );
    const own = createGate();
    const text = `canceled-${backend}`;
    script(text, async () => {
      await own.pass();
      return { text };
    });
    const { id } = await submit('ada', text);
    await own.reached;
    const canceled = await client('admin').rest(`/api/jobs/${id}`, { method: 'DELETE' });
    expect(canceled.status).toBe(202);
    own.open();
    await poll(
      () => status(id),
      (now) => now === 'Canceled',
    );
  });
});

describe('a scope', () => {
  let app: TestApp;
  let ids: Readonly<Record<KeyName, string>>;
  const client = (name: KeyName): Client => clientOf(app, bearer(keyOf(name)));
  const book = { id: 'scopes', title: 'Emma' };

  beforeAll(async () => {
    app = await startApp('redis', { API_KEYS });
    const submit = async (name: KeyName): Promise<string> => {
      const { body } = await client(name).rest('/api/books', { method: 'POST', body: book });
      return jobSchema.parse(body).id;
    };
    const [ada, submitter, admin] = [await submit('ada'), await submit('submitter'), await submit('admin')];
    ids = { ada, submitter, admin, eve: ada, reader: ada };
    for (const id of [ada, submitter, admin])
      await poll(
        () => client('admin').rest(`/api/jobs/${id}`),
        (answer) => answer.status === 303,
      );
  });
  afterAll(() => app.close());

  /** A request, a caller with the scope, one without it, the status for the first, and the scope that the second lacks. */
  it.each<[string, KeyName, KeyName, number, string, (client: Client, id: string) => Promise<Answer>]>([
    ['POST', 'submitter', 'reader', 202, 'submit', (as) => as.rest('/api/books', { method: 'POST', body: book })],
    ['DELETE', 'submitter', 'reader', 409, 'submit', (as, id) => as.rest(`/api/jobs/${id}`, { method: 'DELETE' })],
    ['retry', 'submitter', 'reader', 409, 'submit', (as, id) => as.rest(`/api/jobs/${id}/retry`, { method: 'POST' })],
    ['GET', 'reader', 'submitter', 404, 'read', (as, id) => as.rest(`/api/jobs/${id}`)],
    ['result', 'reader', 'submitter', 404, 'read', (as, id) => as.rest(`/api/jobs/${id}/result`)],
    ['events', 'reader', 'submitter', 404, 'read', (as, id) => as.rest(`/api/jobs/${id}/events`)],
    ['monitor', 'reader', 'submitter', 404, 'read', (as, id) => as.rest(`/api/operations/${id}`)],
    ['list', 'reader', 'submitter', 200, 'read', (as) => as.rest('/api/jobs')],
    ['resource', 'reader', 'submitter', 200, 'read', (as) => as.rest('/api/books/scopes')],
  ])('is required by REST: %s', async (_, able, unable, expected, scope, ask) => {
    expect((await ask(client(able), ids[able])).status).toBe(expected);
    const refused = await ask(client(unable), ids[unable]);
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({
      type: `${app.url}/problems/forbidden`,
      detail: `The scope ${scope} is required.`,
    });
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer realm="Accepted", error="insufficient_scope", scope="${scope}"`,
    );
    expect((await ask(client('admin'), ids.admin)).status).toBeLessThan(410);
    expect((await ask(client('admin'), ids.admin)).status).not.toBe(403);
  });

  it.each<[string, KeyName, KeyName, string | undefined, string]>([
    [
      'submit',
      'submitter',
      'reader',
      undefined,
      'mutation { submitBook(input: { id: "scopes", title: "A" }) { jobId } }',
    ],
    ['cancel', 'submitter', 'reader', 'CONFLICT', 'mutation { cancelJob(id: "ID") { id } }'],
    ['retry', 'submitter', 'reader', 'CONFLICT', 'mutation { retryJob(id: "ID") { id } }'],
    ['jobStatus', 'reader', 'submitter', undefined, '{ jobStatus(id: "ID") { id } }'],
    ['jobs', 'reader', 'submitter', undefined, '{ jobs { nodes { id } } }'],
    ['book', 'reader', 'submitter', undefined, '{ book(id: "scopes") { id } }'],
  ])('is required by GraphQL: %s', async (_, able, unable, expected, query) => {
    const ask = (name: KeyName) => client(name).graphql(query.replace('ID', ids[name]));
    expect(codeOf(await ask(able))).toBe(expected);
    const refused = await ask(unable);
    expect(codeOf(refused)).toBe('FORBIDDEN');
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(codeOf(await ask('admin'))).toBe(expected);
  });

  it('to submit is enough to wait for the submitted job', async () => {
    const { status, body, headers } = await client('submitter').rest('/api/books', {
      method: 'POST',
      body: book,
      headers: { Prefer: 'wait=60' },
    });
    expect(status).toBe(200);
    expect(headers.get('preference-applied')).toBe('wait=50');
    expect(body).toMatchObject(book);
  });
});

describe('a server with authentication', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { API_KEYS, CORS_ORIGINS: 'https://app.example.com' });
  });
  afterAll(() => app.close());

  const REQUESTS: readonly [string, (client: Client) => Promise<Answer>][] = [
    ['POST', (client) => client.rest('/api/books', { method: 'POST', body: { id: '1', title: 'Emma' } })],
    ['a body that is not JSON', (client) => client.rest('/api/books', { method: 'POST', body: '{' })],
    ['list', (client) => client.rest('/api/jobs')],
    ['resource', (client) => client.rest('/api/books/1')],
    ['an unknown path', (client) => client.rest('/nothing')],
    ['an unknown method', (client) => client.rest('/api/books', { method: 'PUT' })],
    ['HEAD', (client) => client.rest('/api/jobs', { method: 'HEAD' })],
    ...OF_ONE_JOB.filter(([name]) => name.includes('/')).map(
      ([name, ask]) => [name, (client: Client) => ask(client, NOT_THERE)] as [string, (as: Client) => Promise<Answer>],
    ),
  ];

  it.each(REQUESTS)('requires a credential on REST: %s', async (_, ask) => {
    const { status, headers, body } = await ask(clientOf(app));
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="Accepted"');
    expect(headers.get('cache-control')).toMatch(/^(private, )?no-store$/);
    if (body !== undefined) expect(body).toMatchObject({ type: `${app.url}/problems/unauthenticated`, status: 401 });
  });

  it.each([
    ['an unknown key', bearer('accepted_nobody'), 'The token is not valid.'],
    ['the hash of a key', bearer(API_KEYS.split(/[:,]/)[2] ?? ''), 'The token is not valid.'],
    ['a part of a key', bearer(keyOf('ada').slice(0, -1)), 'The token is not valid.'],
    ['an unknown key, as X-API-Key', { 'X-API-Key': 'accepted_nobody' }, 'The API key is not valid.'],
    ['an empty credential', { Authorization: 'Bearer ' }, undefined],
    ['another scheme', { Authorization: `Basic ${btoa(`ada:${keyOf('ada')}`)}` }, undefined],
  ])('refuses %s', async (_, credential, description) => {
    const client = clientOf(app, credential);
    const challenge =
      description === undefined
        ? 'Bearer realm="Accepted"'
        : `Bearer realm="Accepted", error="invalid_token", error_description="${description}"`;
    const rest = await client.rest('/api/jobs');
    expect(rest.status).toBe(401);
    expect(rest.headers.get('www-authenticate')).toBe(challenge);
    const graphql = await client.graphql('{ jobs { nodes { id } } }');
    expect(graphql.status).toBe(401);
    expect(graphql.headers.get('www-authenticate')).toBe(challenge);
    expect(codeOf(graphql)).toBe('UNAUTHENTICATED');
  });

  it.each(['{ __typename }', '{ __schema { types { name } } }', 'not GraphQL'])(
    'requires a credential on GraphQL: %s',
    async (query) => {
      for (const accept of ['application/graphql-response+json', 'application/json', 'text/event-stream', '*/*']) {
        const headers = { Accept: accept };
        const posted = await clientOf(app, headers).rest('/graphql', { method: 'POST', body: { query } });
        const got = await clientOf(app, headers).rest(`/graphql?query=${encodeURIComponent(query)}`);
        for (const answer of [posted, got]) {
          expect(answer.status).toBe(401);
          expect(codeOf(answer)).toBe('UNAUTHENTICATED');
          expect(answer.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json/);
        }
      }
    },
  );

  it('accepts a key as X-API-Key, and the scheme in any case', async () => {
    for (const credential of [{ 'X-API-Key': keyOf('ada') }, { Authorization: `bEARER  ${keyOf('ada')}` }])
      expect((await clientOf(app, credential).rest('/api/jobs')).status).toBe(200);
  });

  it('refuses several credentials', async () => {
    const both = { ...bearer(keyOf('ada')), 'X-API-Key': keyOf('ada') };
    const { status, body } = await clientOf(app, both).rest('/api/jobs');
    expect(status).toBe(400);
    expect(body).toMatchObject({ type: `${app.url}/problems/malformed-request` });
    expect((await clientOf(app, bearer(keyOf('ada')), 'access_token=x').rest('/api/jobs')).status).toBe(400);
    expect((await clientOf(app, {}, 'access_token=x&access_token=x').rest('/api/jobs')).status).toBe(400);
  });

  it('refuses an API key in a URL', async () => {
    expect((await clientOf(app, {}, `access_token=${keyOf('ada')}`).rest('/api/jobs')).status).toBe(401);
  });

  it.each(['/health/live', '/health/ready', '/docs', '/docs/', '/docs/assets/page.css', '/problems', '/openapi.json'])(
    'serves %s without a credential',
    async (path) => {
      expect((await clientOf(app).rest(path)).status).toBe(200);
    },
  );

  it('serves the GraphiQL page, but no query, without a credential', async () => {
    const response = await app.fetch('/graphql?query={__typename}', { headers: { Accept: 'text/html' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/html');
    expect((await app.fetch('/')).status).toBe(302);
    const posted = await clientOf(app, { Accept: 'text/html' }).rest('/graphql', {
      method: 'POST',
      body: { query: '{ __typename }' },
    });
    expect(posted.status).toBe(401);
  });

  it('answers preflights, and lets pages read errors', async () => {
    const Origin = 'https://app.example.com';
    const wanted = 'authorization,x-api-key,idempotency-key,prefer,if-none-match,last-event-id,content-type';
    for (const path of ['/api/books', '/api/jobs/x', '/graphql']) {
      const preflight = await app.fetch(path, {
        method: 'OPTIONS',
        headers: { Origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': wanted },
      });
      expect(preflight.status).toBe(204);
      const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(/, ?/);
      expect(allowed).toEqual(expect.arrayContaining(wanted.split(',')));
    }
    const refused = await app.fetch('/api/jobs', { headers: { Origin } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(Origin);
    expect(refused.headers.get('access-control-expose-headers')).toMatch(/WWW-Authenticate/i);
    expect((await app.fetch('/api/jobs', { method: 'OPTIONS' })).status).toBe(204);
  });

  it('does not serve the page with GRAPHIQL=off', async () => {
    const other = await startApp('redis', { API_KEYS, GRAPHIQL: 'off' });
    const response = await other.fetch('/graphql?query={__typename}', { headers: { Accept: 'text/html' } });
    expect(response.status).toBe(401);
    await other.close();
  });
});
