import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Job,
  JobNotSucceededError,
  ProblemError,
  createClient as createUntypedClient,
} from '../../src/client/client.ts';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { createClient } from '../support/generated/client.ts';
import { type Step, cut, event, events, json, problem, startScriptedServer } from '../support/scripted-server.ts';

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`resolved to ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

describe('the client, on a real server', () => {
  let app: TestApp;
  const client = () => createClient({ baseUrl: app.url });
  const rows = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, index) => ({ id: `${prefix}-${index}`, title: `Book ${index}` }));

  beforeAll(async () => {
    app = await startApp('redis');
  });
  afterAll(() => app.close());

  it('submits, reports progress, and resolves to the result', async () => {
    const seen: Job<'bookImport'>[] = [];
    const result = await client().submitAndWait(
      'bookImport',
      { books: rows(1000, 'import') },
      { onProgress: (job) => seen.push(job) },
    );
    expect(result).toEqual({ imported: 1000, updated: 0, rejected: [] });
    expect(seen.at(-1)).toMatchObject({
      type: 'bookImport',
      status: 'Succeeded',
      done: true,
      percentComplete: 100,
    });
    const percents = seen.map(({ percentComplete }) => percentComplete);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    // No state is reported twice.
    expect(new Set(seen.map((job) => JSON.stringify(job))).size).toBe(seen.length);
  });

  it('waits for a job of another client by its id', async () => {
    const accepted = await app.post('/api/books', { id: 'by-id', title: 'Jane Eyre' });
    const { id } = await accepted.json();
    expect(await client().wait<'book'>(id)).toMatchObject({ id: 'by-id', title: 'Jane Eyre' });
    expect(await client().read(id)).toMatchObject({ id, type: 'book', status: 'Succeeded', done: true });
    const { title } = await client().wait({ id, type: 'book' });
    expect(title).toBe('Jane Eyre');
    const result: unknown = await createUntypedClient({ baseUrl: app.url }).wait(id);
    expect(result).toMatchObject({ id: 'by-id' });
  });

  it('creates one job for an idempotency key, and refuses another input under it', async () => {
    const input = { id: 'keyed', title: 'Jane Eyre' };
    const first = await client().submit('book', input, { idempotencyKey: 'order "7"' });
    const again = await client().submit('book', input, { idempotencyKey: 'order "7"' });
    expect(again.id).toBe(first.id);
    const other = client().submit('book', { ...input, id: 'other' }, { idempotencyKey: 'order "7"' });
    expect(await failure(other)).toMatchObject({ status: 422, problem: 'idempotency-key-reused' });
  });

  it('cancels and retries a job, and throws for the canceled one', async () => {
    // Without a worker, the job stays pending.
    const api = await startAppForTest('postgres', {}, { role: 'api' });
    const waiting = createClient({ baseUrl: api.url });
    const job = await waiting.submit('book', { id: '1', title: 'Jane Eyre' });
    expect(await waiting.cancel(job)).toMatchObject({ status: 'Canceled', error: { code: 'JOB_CANCELED' } });
    expect(await failure(waiting.wait(job))).toMatchObject({ code: 'JOB_CANCELED', job: { id: job.id } });
    expect(await waiting.cancel(job)).toMatchObject({ status: 'Canceled' });
    expect(await waiting.retry(job)).toMatchObject({ id: job.id, status: 'Pending' });
    expect(await failure(waiting.retry(job))).toMatchObject({ status: 409, problem: 'not-retryable' });
  });

  it('throws the errors of the input by field', async () => {
    const error = await failure(client().submit('book', { id: '', title: ' ' }));
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({
      name: 'ProblemError',
      status: 400,
      problem: 'invalid-input',
      type: `${app.url}/problems/invalid-input`,
      title: 'Invalid input',
      instance: '/api/books',
      errors: [{ pointer: '#/id' }, { pointer: '#/title' }],
    });
  });

  it('throws the cause of a failed job, with the job', async () => {
    const input = { id: 'bad', title: 'Nobody', isbn: 'none' };
    const error = await failure(client().submitAndWait('book', input));
    expect(error).toBeInstanceOf(JobNotSucceededError);
    expect(error).toMatchObject({ code: 'INVALID_ISBN', job: { type: 'book', status: 'Failed', done: true } });
  });

  it('throws a problem for a job that does not exist', async () => {
    for (const call of [client().read('book_none'), client().wait('book_none')]) {
      expect(await failure(call)).toMatchObject({ name: 'ProblemError', status: 404, problem: 'not-found' });
    }
  });

  it('stops waiting when it is aborted, while the job continues', async () => {
    const stop = new AbortController();
    const job = await client().submit('bookImport', { books: rows(500, 'stopped') });
    const waiting = client().wait(job, { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
    expect(await failure(waiting)).toBe(stop.signal.reason);
    expect(await client().wait(job)).toMatchObject({ imported: 500 });
  });

  it('supports job types that only the caller declares', async () => {
    const own = createUntypedClient<{
      person: { input: { id: string; title: string }; result: { id: string } };
    }>({
      baseUrl: `${app.url}/`,
      collections: { person: 'books' },
    });
    expect(await own.submitAndWait('person', { id: 'own', title: 'Emma' })).toMatchObject({ id: 'own' });
  });
});

const ID = 'book_0123456789012345678901';
const PATH = `/api/jobs/${ID}`;
const EVENTS = `GET ${PATH}/events?output=false`;
const STATUS = `GET ${PATH}?onComplete=status`;
const RESULT = `GET ${PATH}/result`;
const SUBMIT = 'POST /api/books';

const base = { id: ID, type: 'book', done: false, percentComplete: 0, error: null, retryAfter: 1 };
const pending = { ...base, status: 'Pending' };
const running = (percentComplete: number) => ({ ...base, status: 'Running', percentComplete });
const succeeded = { ...base, status: 'Succeeded', done: true, percentComplete: 100, retryAfter: null };
const canceled = {
  ...succeeded,
  status: 'Canceled',
  percentComplete: 30,
  error: { code: 'JOB_CANCELED', message: 'The job was canceled.' },
};
const result = { id: '42' };
const input = { id: '42', title: 'Emma' };
const gone: Step = problem(404, 'not-found');

/** Waits for the job of a script, and returns the reported states. */
async function follow(
  script: Readonly<Record<string, readonly Step[]>>,
  options: object = {},
  onPercent: (percent: number) => void = () => undefined,
) {
  const server = await startScriptedServer({ [RESULT]: [json(200, result)], ...script });
  const percents: number[] = [];
  const client = createClient({ baseUrl: server.url, ...options });
  const onProgress = ({ percentComplete }: Job): void => {
    percents.push(percentComplete);
    onPercent(percentComplete);
  };
  const got = await client.wait(ID, { onProgress });
  expect(got).toEqual(result);
  return { server, percents };
}

describe('the client, while it waits', () => {
  it('receives all states through one request', async () => {
    const stream = [pending, running(10), running(50), succeeded].map(event);
    const { server, percents } = await follow({ [EVENTS]: [events([...stream, ': more\n'], 'hang')] });
    expect(percents).toEqual([0, 10, 50, 100]);
    expect(server.asked).toEqual([EVENTS, RESULT]);
    expect(server.requests[0]?.headers.accept).toBe('text/event-stream');
  });

  it('resumes a broken stream after the last event', async () => {
    const [first, second, third] = [event(running(10)), event(running(50)), event(running(50))];
    let stream: ServerResponse | undefined;
    const broken: Step = (response, request) => {
      stream = response;
      return events([first, second, 'id: half\ndata: {"id":'], 'hang')(response, request);
    };
    const steps = [
      broken,
      events([third]),
      cut,
      problem(503, 'queue-unavailable', { 'Retry-After': '0' }),
      events([': nothing new\n']),
      events([event(succeeded)]),
    ];
    // Not earlier, because a broken stream loses unread data.
    const { server, percents } = await follow(
      { [EVENTS]: steps },
      {},
      (percent) => percent === 50 && stream?.destroy(),
    );
    // Repeated states are not reported again.
    expect(percents).toEqual([10, 50, 100]);
    const ids = server.requests
      .filter(({ path }) => path.endsWith('/events?output=false'))
      .map(({ headers }) => headers['last-event-id']);
    const idOf = (text: string): string | undefined => /id: (\w+)/.exec(text)?.[1];
    expect(ids).toEqual([undefined, idOf(second), ...Array.from({ length: 4 }, () => idOf(third))]);
    expect(server.asked).not.toContain(STATUS);
  });

  it('treats a stream that is silent for too long as broken', async () => {
    const { server } = await follow(
      { [EVENTS]: [events([event(running(10))], 'hang'), events([event(succeeded)])] },
      { silenceSeconds: 1 },
    );
    expect(server.asked).toEqual([EVENTS, EVENTS, RESULT]);
  });

  it('treats a stream with comments as alive', async () => {
    const comments: Step = async (response) => {
      events([event(running(10))], 'hang')(response, { method: '', path: '', headers: {}, body: '', at: 0 });
      for (let beat = 0; beat < 8; beat += 1) {
        await delay(250);
        response.write(':\n');
      }
      response.end(event(succeeded));
    };
    const { server } = await follow({ [EVENTS]: [comments] }, { silenceSeconds: 1.5 });
    expect(server.asked).toEqual([EVENTS, RESULT]);
  });

  const withoutBody: typeof fetch = async (...request) => {
    const response = await fetch(...request);
    return response.headers.get('Content-Type') === 'text/event-stream'
      ? Object.defineProperty(response, 'body', { value: null })
      : response;
  };
  const headers = (response: ServerResponse): unknown =>
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const noStreams: Readonly<Record<string, { step: Step; options?: object }>> = {
    'the path does not exist': { step: gone },
    'a stream is not acceptable': { step: problem(406, 'not-acceptable') },
    'the stream is 204 No Content': { step: (response) => response.writeHead(204).end() },
    'another server replies': {
      step: (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>'),
    },
    'the events are not jobs': { step: events(['data: hello\n\n']) },
    'the stream ends without data': {
      step: (response) => response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(),
    },
    'the stream delivers no data': { step: (response) => headers(response), options: { silenceSeconds: 1 } },
    'no reply arrives': { step: () => undefined, options: { silenceSeconds: 1 } },
    'fetch provides no readable body': { step: events([event(succeeded)]), options: { fetch: withoutBody } },
  };
  for (const [reason, { step, options }] of Object.entries(noStreams)) {
    it(`polls if ${reason}`, async () => {
      const { server, percents } = await follow({ [EVENTS]: [step], [STATUS]: [json(200, succeeded)] }, options);
      expect(server.asked).toEqual([EVENTS, STATUS, RESULT]);
      expect(percents).toEqual([100]);
    });
  }

  it('polls if streams repeatedly break before the first data', async () => {
    const { server } = await follow({ [EVENTS]: [cut], [STATUS]: [json(200, succeeded)] });
    expect(server.asked).toEqual([EVENTS, EVENTS, EVENTS, EVENTS, EVENTS, STATUS, RESULT]);
  });

  it('polls no sooner than Retry-After', async () => {
    const { server, percents } = await follow({
      [EVENTS]: [gone],
      [STATUS]: [
        json(202, pending, { 'Retry-After': '1' }),
        json(202, running(10), { 'Retry-After': new Date(Date.now() + 4000).toUTCString() }),
        json(200, succeeded),
      ],
    });
    expect(percents).toEqual([0, 10, 100]);
    const [first, second, third] = server.requests.filter(({ path }) => path.endsWith('status')).map(({ at }) => at);
    expect(Number(second) - Number(first)).toBeGreaterThan(990);
    expect(Number(third) - Number(second)).toBeGreaterThan(990);
  });

  it('asks for held replies, and polls again at once after a held one', async () => {
    const held: Step = async (response, request) => {
      await delay(700);
      await json(202, running(10), { 'Retry-After': '30', 'Preference-Applied': 'wait=30' })(response, request);
    };
    const script = { [EVENTS]: [gone], [STATUS]: [held, json(200, succeeded)], [RESULT]: [json(200, result)] };
    const server = await startScriptedServer(script);
    expect(await createClient({ baseUrl: server.url }).wait(ID)).toEqual(result);
    const [, first, second] = server.requests;
    expect(first?.headers['prefer']).toBe('wait=30');
    expect(Number(second?.at) - Number(first?.at)).toBeLessThan(10_000);
  });

  it('asks for holds of at most Retry-After if progress is wanted', async () => {
    const { server } = await follow({
      [EVENTS]: [gone],
      [STATUS]: [json(202, pending, { 'Retry-After': '2' }), json(200, succeeded)],
    });
    const prefer = server.requests
      .filter(({ path }) => path.endsWith('status'))
      .map(({ headers: sent }) => sent['prefer']);
    expect(prefer).toEqual(['wait=1', 'wait=2']);
  });

  it('asks for no more holds after a held reply is lost', async () => {
    const { server } = await follow({
      [EVENTS]: [gone],
      [STATUS]: [problem(504, 'none'), json(202, pending, { 'Retry-After': '1' }), json(200, succeeded)],
    });
    const asked = server.requests.filter(({ path }) => path.endsWith('status'));
    expect(asked.map(({ headers: sent }) => sent['prefer'])).toEqual(['wait=1', undefined, undefined]);
    expect(Number(asked[2]?.at) - Number(asked[1]?.at)).toBeGreaterThan(990);
  });

  it('throws the error of a canceled job', async () => {
    const server = await startScriptedServer({ [EVENTS]: [events([event(canceled)])] });
    const error = await failure(createClient({ baseUrl: server.url }).wait(ID));
    expect(error).toBeInstanceOf(JobNotSucceededError);
    expect(error).toMatchObject({ code: 'JOB_CANCELED', message: 'The job was canceled.', job: canceled });
  });

  /** Scripts that never end the call, by the point at which it is aborted. */
  const endless: Readonly<Record<string, Readonly<Record<string, readonly Step[]>>>> = {
    'before the stream opens': { [EVENTS]: [() => undefined] },
    'while the stream is open': { [EVENTS]: [events([event(running(10))], 'hang')] },
    'while a reply is held': { [EVENTS]: [gone], [STATUS]: [() => undefined] },
    'between two polls': { [EVENTS]: [gone], [STATUS]: [json(202, pending, { 'Retry-After': '3600' })] },
    'between two attempts': { [EVENTS]: [problem(503, 'queue-unavailable', { 'Retry-After': '30' })] },
  };
  const fetchWithErrorsOfItsOwn: typeof fetch = (...request) =>
    fetch(...request).catch(() => {
      throw new Error('Any other error.');
    });
  for (const [when, script] of Object.entries(endless)) {
    it(`rejects with the signal's reason when it is aborted ${when}, and leaves nothing open`, async () => {
      const { promise: reached, resolve } = Promise.withResolvers<ServerResponse>();
      const [last = ''] = Object.keys(script).slice(-1);
      const abortingStep: Step = async (response, request) => {
        await script[last]?.[0]?.(response, request);
        resolve(response);
      };
      const server = await startScriptedServer({ ...script, [last]: [abortingStep] });
      // It must not treat its own abort as a failure to retry.
      const retryForSeconds = when === 'between two attempts' ? 60 : 0;
      const client = createClient({ baseUrl: server.url, retryForSeconds, fetch: fetchWithErrorsOfItsOwn });
      const signal = AbortSignal.timeout(1000);
      const waiting = failure(client.wait(ID, { signal }));
      const response = await reached;
      const closed = response.closed || once(response, 'close');
      expect(await waiting).toBe(signal.reason);
      expect(server.requests.length).toBe(Object.keys(script).length);
      await closed;
      expect(await failure(client.wait(ID, { signal }))).toBe(signal.reason);
    });
  }

  it('rejects with what onProgress throws, and closes the stream', async () => {
    const { promise: opened, resolve } = Promise.withResolvers<ServerResponse>();
    const open: Step = (response, request) => {
      resolve(response);
      return events([event(running(10))], 'hang')(response, request);
    };
    const server = await startScriptedServer({ [EVENTS]: [open] });
    const mistake = new Error('a mistake of the page');
    const onProgress = (): never => {
      throw mistake;
    };
    expect(await failure(createClient({ baseUrl: server.url }).wait(ID, { onProgress }))).toBe(mistake);
    const response = await opened;
    if (!response.closed) await once(response, 'close');
    expect(server.asked).toEqual([EVENTS]);
  });
});

describe('the client, when requests fail on the way', () => {
  it('repeats a submission with the same generated key', async () => {
    const server = await startScriptedServer({
      [SUBMIT]: [
        cut,
        json(502, 'Bad Gateway'),
        (response) => response.writeHead(202, { 'Content-Length': '100' }).write('{', () => response.destroy()),
        json(202, pending, { Location: PATH }),
      ],
    });
    const client = createClient({ baseUrl: server.url });
    expect(await client.submit('book', input)).toEqual(pending);
    expect(server.asked).toEqual(Array.from({ length: 4 }, () => SUBMIT));
    expect(server.requests.map(({ body }) => JSON.parse(body))).toEqual(server.requests.map(() => input));
    const keys = new Set(server.requests.map(({ headers }) => headers['idempotency-key']));
    expect([...keys]).toEqual([expect.stringMatching(/^"[\w+/]{22}=="$/)]);

    await client.submit('book', input);
    expect(keys).not.toContain(server.requests.at(-1)?.headers['idempotency-key']);
  });

  it('repeats a submission after Retry-After, and no sooner', async () => {
    const server = await startScriptedServer({
      [SUBMIT]: [
        problem(503, 'queue-unavailable', { 'Retry-After': '1' }),
        problem(429, 'rate-limited', { 'Retry-After': new Date(Date.now() - 5000).toUTCString() }),
        json(202, pending, { Location: PATH }),
      ],
    });
    expect(await createClient({ baseUrl: server.url }).submit('book', input)).toEqual(pending);
    const [first, second, third] = server.requests;
    expect(Number(second?.at) - Number(first?.at)).toBeGreaterThan(990);
    expect(third?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });

  it("rejects with the signal's reason when it is aborted between two attempts", async () => {
    const server = await startScriptedServer({
      [SUBMIT]: [problem(503, 'queue-unavailable', { 'Retry-After': '30' })],
    });
    const signal = AbortSignal.timeout(1000);
    const submitting = createClient({ baseUrl: server.url }).submit('book', input, { signal });
    expect(await failure(submitting)).toBe(signal.reason);
    expect(server.asked).toEqual([SUBMIT]);
  });

  it("sends the caller's own key as a structured-field string", async () => {
    const server = await startScriptedServer({ [SUBMIT]: [json(202, pending)] });
    await createClient({ baseUrl: server.url }).submit('book', input, { idempotencyKey: 'a "b" \\c' });
    expect(server.requests[0]?.headers['idempotency-key']).toBe(String.raw`"a \"b\" \\c"`);
  });

  it('gives up after retryForSeconds with the last error', async () => {
    const server = await startScriptedServer({
      [SUBMIT]: [cut],
      [STATUS]: [problem(503, 'queue-unavailable', { 'Retry-After': '60' })],
    });
    const client = createClient({ baseUrl: server.url, retryForSeconds: 1 });
    expect(await failure(client.submit('book', input))).toBeInstanceOf(TypeError);
    expect(server.asked.length).toBeGreaterThan(1);
    // The next attempt would be too late, so the client does not wait for it.
    const error = await failure(client.read(ID));
    expect(error).toMatchObject({ status: 503, problem: 'queue-unavailable', retryAfter: 60 });
  });

  it('repeats a request that is not idempotent after a refusal, but not after a lost reply', async () => {
    const server = await startScriptedServer({
      [`DELETE ${PATH}`]: [cut, problem(503, 'queue-unavailable', { 'Retry-After': '1' }), json(202, running(30))],
      [`POST ${PATH}/retry`]: [cut, problem(409, 'not-retryable'), json(202, pending)],
    });
    const client = createClient({ baseUrl: server.url });
    expect(await failure(client.cancel(ID))).toBeInstanceOf(TypeError);
    expect(await client.cancel(ID)).toEqual(running(30));
    expect(await failure(client.retry(ID))).toBeInstanceOf(TypeError);
    expect(await failure(client.retry(ID))).toMatchObject({ status: 409, problem: 'not-retryable' });
    expect(await client.retry(ID)).toEqual(pending);
    expect(server.asked.length).toBe(6);
  });

  it('rejects replies of another server', async () => {
    const page: Step = (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>Log in</p>');
    const server = await startScriptedServer({
      [STATUS]: [page, (response) => response.writeHead(403, 'Forbidden', { 'Content-Type': 'text/html' }).end('<p>')],
    });
    const client = createClient({ baseUrl: server.url });
    expect(await failure(client.read(ID))).toMatchObject({ message: expect.stringContaining('text/html') });
    expect(await failure(client.read(ID))).toMatchObject({
      name: 'ProblemError',
      status: 403,
      problem: undefined,
      type: 'about:blank',
      title: 'Forbidden',
      errors: [],
    });
  });

  it('calls the headers function before each request', async () => {
    let tokens = 0;
    const server = await startScriptedServer({
      [EVENTS]: [gone],
      [STATUS]: [json(200, succeeded)],
      [RESULT]: [json(200, result)],
    });
    const headers = async () => ({ Authorization: `Bearer ${(tokens += 1)}`, accept: 'text/html' });
    await createClient({ baseUrl: server.url, headers }).wait(ID);
    expect(server.requests.map(({ headers: sent }) => sent.authorization)).toEqual([
      'Bearer 1',
      'Bearer 2',
      'Bearer 3',
    ]);
    // The client's own headers take precedence.
    const accept = server.requests.map(({ headers: sent }) => sent.accept);
    expect(accept).toEqual(['text/event-stream', 'application/json', 'application/json']);
  });

  it('throws for an invalid base URL', () => {
    for (const baseUrl of ['nowhere', 'http://user:password@example.com', 'http://']) {
      expect(() => createClient({ baseUrl })).toThrow(TypeError);
    }
    // A page may be rendered on a server, which knows no origin.
    for (const baseUrl of ['', '/', '/prefix/']) expect(() => createClient({ baseUrl })).not.toThrow();
  });

  it('throws for a job type without a collection, and says what to pass', async () => {
    const client = createClient({ baseUrl: 'http://127.0.0.1:9' });
    // @ts-expect-error -- The compiler rejects an unknown job type; JavaScript callers get an error at run time.
    const unknown = await failure(client.submit('toString', {}));
    expect(unknown).toBeInstanceOf(TypeError);
    const untyped = await failure(createUntypedClient({ baseUrl: 'http://127.0.0.1:9' }).submit('thumbnail', {}));
    expect(untyped).toMatchObject({ name: 'TypeError', message: expect.stringContaining('collections: { thumbnail:') });
    // @ts-expect-error -- The compiler asks for the collection of each declared job type.
    createUntypedClient<{ person: { input: unknown; result: unknown } }>({ baseUrl: '', collections: {} });
  });
});
