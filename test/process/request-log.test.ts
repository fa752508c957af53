import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { API_KEYS, bearer, keyOf } from '../support/callers.ts';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';

const SUBMISSION = 'mutation { submitBook(input: { id: "1", title: "Emma" }) { jobId } }';
const UUID = /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/;

/** A server, and its lines about requests. */
async function start(settings: Record<string, string>) {
  const store = await createStore('redis');
  onTestFinished(store.remove);
  const output = new PassThrough().setEncoding('utf8');
  let text = '';
  output.on('data', (chunk: string) => (text += chunk));
  const server = await startProcess({ settings: { ...store.settings, ...settings }, output });
  /** The lines, when the server has ended. */
  const lines = async (): Promise<Record<string, unknown>[]> => {
    await server.end('SIGTERM');
    const all = text.trim().split('\n');
    return all.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
  };
  return { server, lines };
}

const graphql = ({ url }: AcceptedProcess, query: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });

describe('the line of a request', () => {
  it('says who asked for what, with which outcome, and about which job', async () => {
    const { server, lines } = await start({ API_KEYS });
    const ada = bearer(keyOf('ada'));
    const submitted = await graphql(server, SUBMISSION, { ...ada, 'X-Request-Id': 'from-the-proxy-17' });
    const { jobId } = (await submitted.json()).data.submitBook;
    await fetch(`${server.url}/api/jobs/${jobId}?onPending=ok`, { headers: ada, redirect: 'manual' });
    await graphql(server, `{ jobStatus(id: "${jobId}") { status } }`, ada);
    await fetch(`${server.url}/api/jobs/konrad@example.com`, { headers: ada });
    await fetch(`${server.url}/api/books/personal-id`);
    await fetch(`${server.url}/nowhere/konrad`, { headers: ada });
    await fetch(`${server.url}/%zz`, { headers: ada });
    await fetch(`${server.url}/health/live`);
    const found = await lines();
    const about = {
      level: 'info',
      caller: 'key:ada',
      durationMs: expect.any(Number),
      requestId: expect.stringMatching(UUID),
    };
    expect(found).toEqual(
      [
        {
          ...about,
          requestId: 'from-the-proxy-17',
          method: 'POST',
          route: '/graphql',
          operation: 'mutation submitBook',
          status: 200,
          jobId,
        },
        { ...about, method: 'GET', route: '/api/jobs/:id', status: expect.any(Number), jobId },
        { ...about, method: 'POST', route: '/graphql', operation: 'query jobStatus', status: 200, jobId },
        { ...about, method: 'GET', route: '/api/jobs/:id', status: 404, problem: 'not-found' },
        {
          ...about,
          caller: undefined,
          method: 'GET',
          route: '/api/books/:id',
          status: 401,
          problem: 'unauthenticated',
        },
        { ...about, method: 'GET', status: 404, problem: 'not-found' },
        { ...about, caller: undefined, method: 'GET', status: 400, problem: 'malformed-request' },
      ].map((line) =>
        expect.objectContaining(Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined))),
      ),
    );
    expect(JSON.stringify(found)).not.toMatch(/konrad|personal|Ada/);
  });

  it.each([
    ['0.5', 5],
    ['off', 0],
  ])('is there for the share LOG_REQUESTS=%s', async (share, count) => {
    const { server, lines } = await start({ LOG_REQUESTS: share });
    for (let sent = 0; sent < 10; sent += 1) await fetch(`${server.url}/api/jobs`);
    expect(await lines()).toHaveLength(count);
  });
});

it('each reply has the id of its request, which is the one that was sent if that is an id', async () => {
  const { server } = await start({ API_KEYS, LOG_REQUESTS: 'off' });
  const key = bearer(keyOf('ada'));
  const sent = { ...key, 'X-Request-Id': 'a1:B2/c3=000000-17' };
  const idOf = ({ headers }: Response): string | null => headers.get('x-request-id');
  const json = { 'Content-Type': 'application/json' };
  const replies = [
    await fetch(`${server.url}/api/books`, {
      method: 'POST',
      headers: { ...sent, ...json },
      body: '{"id":"1","title":"A"}',
    }),
    await fetch(`${server.url}/api/books`, { method: 'POST', headers: { ...sent, ...json }, body: '{' }),
    await fetch(`${server.url}/api/jobs/none`, { headers: sent }),
    await fetch(`${server.url}/api/jobs`, { headers: { 'X-Request-Id': 'a1:B2/c3=000000-17' } }),
    await fetch(`${server.url}/api/jobs`, { method: 'PUT', headers: sent }),
    await fetch(`${server.url}/nowhere`, { headers: sent }),
    await fetch(`${server.url}/%zz`, { headers: sent }),
    await fetch(`${server.url}/health/ready`, { headers: sent }),
    await fetch(`${server.url}/openapi.json`, { headers: sent }),
    // GraphQL's fast path, Yoga, and a stream.
    await graphql(server, '{ jobs { edges { cursor } } }', sent),
    await graphql(server, '{ none }', sent),
    await graphql(server, 'subscription { jobUpdates(id: "none") { id } }', { ...sent, Accept: 'text/event-stream' }),
  ];
  expect(replies.map((reply) => `${reply.status} ${idOf(reply)}`)).toEqual(
    replies.map(({ status }) => `${status} a1:B2/c3=000000-17`),
  );
  for (const odd of ['two words of a sentence', 'too-short', 'x'.repeat(129), '"quoted"', '']) {
    const reply = await fetch(`${server.url}/health/live`, { headers: { 'X-Request-Id': odd } });
    expect(idOf(reply)).toMatch(UUID);
  }
});
