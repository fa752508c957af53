import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';

describe('the GraphQL API', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis');
  });
  afterAll(() => app.close());

  const html = { headers: { Accept: 'text/html' } };

  it('answers a query by POST and by GET', async () => {
    const expected = { data: { __typename: 'Query' } };
    expect(await (await app.post('/graphql', { query: '{ __typename }' })).json()).toEqual(expected);
    expect(await (await app.fetch(`/graphql?query=${encodeURIComponent('{ __typename }')}`)).json()).toEqual(expected);
  });

  it('serves GraphiQL to a browser, with the example in its first tab and nothing from other servers', async () => {
    const response = await app.fetch('/graphql', html);
    expect(response.headers.get('content-type')).toContain('text/html');
    const page = await response.text();
    expect(page).toContain('submitBook(');
    const tags = page.match(/<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*["'][^"']*/g) ?? [];
    expect(tags.filter((tag) => /https?:|["']\/\//.test(tag))).toEqual([]);
  });

  it('redirects a browser from the root to GraphiQL', async () => {
    const response = await app.fetch('/', html);
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe('graphql');
  });

  it('serves no GraphiQL with GRAPHIQL=off', async () => {
    const closed = await startAppForTest('redis', { GRAPHIQL: 'off' });
    const response = await closed.fetch('/graphql', html);
    expect(response.headers.get('content-type') ?? '').not.toContain('text/html');
    expect((await closed.fetch('/', html)).status).toBe(404);
    expect(await closed.graphql.request('{ __typename }')).toEqual({ __typename: 'Query' });
  });

  it('returns the result of each mutation that succeeds beside the error of one that fails', async () => {
    const submit = (name: string, title: string) =>
      `${name}: submitBook(input: { id: "1", title: "${title}" }) { jobId }`;
    const query = `mutation { ${submit('first', 'Ada')} ${submit('second', ' ')} missing: cancelJob(id: "none") { id } ${submit('last', 'Ada')} }`;
    const response = await app.post('/graphql', { query });
    expect(response.status).toBe(200);
    const jobId = expect.any(String);
    expect(await response.json()).toEqual({
      data: { first: { jobId }, second: null, missing: null, last: { jobId } },
      errors: [
        expect.objectContaining({ path: ['second'], extensions: expect.objectContaining({ code: 'BAD_USER_INPUT' }) }),
        expect.objectContaining({ path: ['missing'], extensions: { code: 'NOT_FOUND' } }),
      ],
    });
  });

  it('replies 400 to an invalid document for application/graphql-response+json, and 200 for application/json', async () => {
    const send = (accept: string) =>
      app.fetch('/graphql', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: accept },
        body: JSON.stringify({ query: '{ nope }' }),
      });
    expect((await send('application/graphql-response+json')).status).toBe(400);
    expect((await send('application/json')).status).toBe(200);
  });
});
