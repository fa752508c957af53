import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { openSocket } from '../support/raw-http.ts';
import { BACKENDS, createStore } from '../support/stores.ts';

const SUBMISSIONS = 1000;
const AT_A_TIME = 100;

interface Reply {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly id: string | undefined;
}

async function submit(url: string, number: number): Promise<Reply> {
  const input = { id: `c${number}`, title: 'Emma' };
  const query = 'mutation($input: SubmitBookInput!) { submitBook(input: $input) { jobId } }';
  const onGraphQL = number % 2 === 0;
  const response = await fetch(url + (onGraphQL ? '/graphql' : '/api/books'), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: onGraphQL ? 'application/graphql-response+json' : 'application/json',
    },
    body: JSON.stringify(onGraphQL ? { query, variables: { input } } : input),
  });
  const { id, data } = await response.json();
  const { status, headers } = response;
  return {
    status,
    retryAfter: headers.get('Retry-After'),
    id: response.ok ? (id ?? data.submitBook.jobId) : undefined,
  };
}

describe.each(BACKENDS)('an overloaded process on %s', (backend) => {
  it('refuses requests with 503 and Retry-After, stays up, and completes every accepted job', async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const limits = { QUEUE_MAX_DEPTH: '20', WORKER_CONCURRENCY: '1', LOG_LEVEL: 'info' };
    const { url = '' } = await startProcess({ settings: { ...store.settings, ...limits } });

    const replies: Reply[] = [];
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < SUBMISSIONS) replies.push(await submit(url, next++));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, client));

    const accepted = replies.filter(({ id }) => id !== undefined);
    const refused = replies.filter(({ id }) => id === undefined);
    expect(accepted.length).toBeGreaterThanOrEqual(20);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter(({ status, retryAfter }) => status !== 503 || !(Number(retryAfter) >= 1))).toEqual([]);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    for (const { id } of accepted) {
      const job = await poll(
        async () => (await fetch(`${url}/api/jobs/${id}?onComplete=status`)).json(),
        ({ done, status }) => done === true || status === 404,
      );
      expect(job).toMatchObject({ status: 'Succeeded' });
    }
  });
});

const post = (path: string, body: string, ...fields: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', ...fields, '', body].join('\r\n');
const get = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n');
const SUBSCRIPTION = JSON.stringify({ query: 'subscription { jobUpdates(id: "JOB") { status } }' });

/** Every way in which a socket may be taken over, or be in the middle of something. JOB is the id of a job that waits. */
const REQUESTS: Readonly<Record<string, string>> = {
  nothing: '',
  'half a head': 'GET /api/jobs HT',
  'no HTTP': 'nonsense\r\n\r\n',
  CONNECT: 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
  'CONNECT with more bytes': `CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n${'x'.repeat(100_000)}`,
  'an upgrade': get('/api/jobs', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'),
  'an upgrade of a POST': post('/graphql', '{}', 'Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 2'),
  'Expect: 100-continue': post('/api/books', '', 'Expect: 100-continue', 'Content-Length: 100'),
  'another expectation': post('/api/books', '{', 'Expect: more', 'Content-Length: 100'),
  'a body above the limit': post('/api/books', 'x'.repeat(100_000), 'Content-Length: 9000000'),
  'half a body': post('/graphql', '{"query":', 'Content-Length: 100'),
  'a poll': get('/api/jobs/JOB?onPending=synchronous'),
  'an event stream': get('/api/jobs/JOB/events'),
  'a subscription': post('/graphql', SUBSCRIPTION, 'Content-Length: LENGTH', 'Accept: text/event-stream'),
  'a large page': get('/docs/assets/swagger-ui-bundle.js').repeat(50),
  'the URL of a proxy': get('http://localhost/graphql?query={nope}'),
};

describe('a process with few open files', () => {
  it('survives resets after every kind of request, and more connections than it may have', async () => {
    const store = await createStore('redis');
    onTestFinished(() => store.remove());
    const output = new PassThrough().setEncoding('utf8');
    let log = '';
    output.on('data', (chunk: string) => (log += chunk));
    const maxFiles = 400;
    const { url = '', end } = await startProcess({ settings: store.settings, role: 'all', maxFiles, output });
    const { id = '' } = await submit(url, 1);

    for (const [, request] of Object.entries(REQUESTS)) {
      // At once, and after a reply on another connection, which shows that the request has arrived.
      for (const early of [true, false]) {
        const socket = await openSocket(url);
        const length = String(SUBSCRIPTION.replace('JOB', id).length);
        socket.resume().write(request.replaceAll('JOB', id).replace('LENGTH', length));
        if (!early) await fetch(`${url}/health/live`);
        socket.resetAndDestroy();
      }
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
    }

    const sockets = await Promise.all(Array.from({ length: maxFiles }, () => openSocket(url)));
    // The first half of them is served, and the process measures its memory meanwhile.
    const [first] = sockets;
    let got = '';
    first?.setEncoding('utf8').on('data', (chunk: string) => (got += chunk));
    for (let count = 1; count <= 4; count += 1) {
      first?.write(get('/health/live'));
      await poll(
        async () => got.split('HTTP/1.1 200').length,
        (replies) => replies > count,
      );
    }
    for (const socket of sockets) socket.resetAndDestroy();
    await poll(
      () => submit(url, 2).catch(() => ({ status: 0 })),
      ({ status }) => status === 202 || status === 200,
    );
    expect(log).not.toMatch(/EMFILE|ECONNRESET|uncaught/);
    expect(await end('SIGTERM')).toBe(0);
  });
});
