import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProblemError } from '../../src/client/client.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { API_KEYS, keyOf } from '../support/callers.ts';
import { createClient } from '../support/generated/client.ts';
import { json, startScriptedServer } from '../support/scripted-server.ts';

const JOB = { id: 'book_AAAAAAAAAAAAAAAAAAAAAA', status: 'Pending', done: false, retryAfter: 1, error: null };

describe('the client, on a server with authentication', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { API_KEYS });
  });
  afterAll(() => app.close());

  const backend = () => createClient({ baseUrl: app.url, headers: { 'X-API-Key': keyOf('submitter') } });
  const browser = () => createClient({ baseUrl: app.url });
  const book = (id: string) => ({ id, title: 'Jane Eyre' });

  it('gets an access token for each submission, with which another client can follow the job', async () => {
    const { id, accessToken } = await backend().submit('book', book('followed'));
    const seen: string[] = [];
    const result = await browser().wait<'book'>(id, { accessToken, onProgress: ({ status }) => seen.push(status) });
    expect(result).toMatchObject(book('followed'));
    expect(seen.at(-1)).toBe('Succeeded');
    expect(await browser().read(id, { accessToken })).toMatchObject({ id, done: true });
    await expect(browser().cancel(id, { accessToken })).rejects.toMatchObject({ problem: 'not-cancelable' });
  });

  it('is refused at once without a key, and with the access token of another job', async () => {
    const { id } = await backend().submit('book', book('refused'));
    const other = await backend().submit('book', book('other'));
    for (const options of [{}, { accessToken: other.accessToken }]) {
      await expect(browser().wait(id, options)).rejects.toMatchObject({ status: 401, problem: 'unauthenticated' });
      await expect(browser().read(id, options)).rejects.toBeInstanceOf(ProblemError);
    }
    await expect(backend().read(id)).rejects.toMatchObject({ status: 403, problem: 'forbidden' });
  });

  it('sends the access token instead of its own credentials, with its other headers', async () => {
    const path = `/api/jobs/${JOB.id}`;
    const server = await startScriptedServer({ [`GET ${path}?onComplete=status`]: [json(200, JOB)] });
    const headers = { 'X-API-Key': 'mine', authorization: 'Bearer mine', 'X-Request': 'kept' };
    const client = createClient({ baseUrl: server.url, headers: async () => headers });
    await client.read(JOB.id, { accessToken: 'the-key' });
    await client.read(JOB.id);
    const [first, second] = server.requests.map((request) => request.headers);
    expect(first).toMatchObject({ authorization: 'Bearer the-key', 'x-request': 'kept' });
    expect(first).not.toHaveProperty('x-api-key');
    expect(second).toMatchObject({ authorization: 'Bearer mine', 'x-api-key': 'mine', 'x-request': 'kept' });
  });
});
