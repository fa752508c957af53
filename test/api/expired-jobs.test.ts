import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { API_KEYS, type Client, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { createClient } from '../../src/client/client.ts';
import { poll } from '../support/follow.ts';

const BOOK = { id: '1', title: 'Emma' };
const jobSchema = z.looseObject({ id: z.string(), accessToken: z.string() });

/** An id tells its caller that the job was there, on both APIs, with no trace of the job in the store. */
describe.each(['with an idempotency key', 'without one'])('the id of an expired job, submitted %s', (kind) => {
  let app: TestApp;
  let id: string;
  let accessToken: string;
  const client = (name: KeyName): Client => clientOf(app, bearer(keyOf(name)));
  const submit = () =>
    client('ada').rest('/api/books', {
      method: 'POST',
      body: BOOK,
      headers: kind === 'without one' ? {} : { 'Idempotency-Key': '"once"' },
    });

  beforeAll(async () => {
    app = await startApp('redis', { API_KEYS, JOB_RETENTION_SECONDS: '1' });
    ({ id, accessToken } = jobSchema.parse((await submit()).body));
    // An admin reads the job until it is removed, and no id tells it whose job it was.
    await poll(
      () => client('admin').rest(`/api/jobs/${id}`),
      ({ status }) => status === 404,
    );
  });
  afterAll(() => app.close());

  it.each([
    ['GET', ''],
    ['GET', '?onPending=synchronous'],
    ['GET', '/result'],
    ['GET', '/events'],
    ['DELETE', ''],
    ['POST', '/retry'],
  ])('is answered with 410 for its caller, and with 404 for others: %s %s', async (method, path) => {
    const ask = (name: KeyName) => client(name).rest(`/api/jobs/${id}${path}`, { method });
    const problem = { type: `${app.url}/problems/expired`, status: 410, title: 'The job has expired' };
    expect(await ask('ada')).toMatchObject({ status: 410, body: problem });
    expect((await ask('eve')).status).toBe(404);
  });

  it('is answered alike at its other URL, and for the holder of its access token', async () => {
    expect((await client('ada').rest(`/api/operations/${id}`)).status).toBe(410);
    expect((await clientOf(app, bearer(accessToken)).rest(`/api/jobs/${id}/result`)).status).toBe(410);
  });

  it.each([
    'query ($id: ID!) { jobStatus(id: $id) { id } }',
    'query ($id: ID!) { jobStatus(id: $id, waitSeconds: 1) { id } }',
    'mutation ($id: ID!) { cancelJob(id: $id) { id } }',
    'mutation ($id: ID!) { retryJob(id: $id) { id } }',
  ])('has the code EXPIRED for its caller, and not for others: %s', async (query) => {
    const field = /(jobStatus|cancelJob|retryJob)/.exec(query)?.[0] ?? '';
    const mine = await client('ada').graphql(query, { id });
    expect(mine).toMatchObject({ status: 410, body: { data: { [field]: null } } });
    expect(mine.body).toMatchObject({ errors: [{ path: [field], extensions: { code: 'EXPIRED' } }] });
    expect(JSON.stringify((await client('eve').graphql(query, { id })).body)).not.toContain('EXPIRED');
  });

  it('has the code EXPIRED in a subscription', async () => {
    const response = await app.fetch('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', ...bearer(keyOf('ada')) },
      body: JSON.stringify({ query: `subscription { jobUpdates(id: "${id}") { id } }` }),
    });
    expect(await response.text()).toContain('"EXPIRED"');
  });

  it('is a typed error of the client', async () => {
    const own = createClient({ baseUrl: app.url, collections: {}, headers: bearer(keyOf('ada')) });
    for (const call of [() => own.read(id), () => own.wait(id)])
      await expect(call()).rejects.toMatchObject({ name: 'ProblemError', status: 410, problem: 'expired' });
  });

  it('is that of a new job when its key is used again', async () => {
    const again = await submit();
    expect(again.status).toBe(202);
    expect(again.headers.has('idempotency-replayed')).toBe(false);
    const isSame = jobSchema.parse(again.body).id === id;
    expect(isSame).toBe(kind !== 'without one');
  });
});
