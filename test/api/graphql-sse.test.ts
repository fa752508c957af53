import { assert, describe, expect, it, onTestFinished } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import type { JobUpdatesSubscription } from '../support/generated/graphql.ts';
import { JobUpdates, JobUpdatesWithResult, SubmitBook, SubmitBookImport } from '../support/operations.ts';
import { createGate } from '../support/gate.ts';
import { startScriptedApp } from '../support/scripted-app.ts';
import { BACKENDS } from '../support/stores.ts';
import { type Subscription, subscribe } from '../support/subscribe.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

type State = JobUpdatesSubscription['jobUpdates'];

/** The next state; undefined when the subscription is complete. */
async function next<Result extends JobUpdatesSubscription>({
  results,
}: Subscription<Result>): Promise<Result['jobUpdates'] | undefined> {
  const { done, value } = await results.next();
  if (done === true) return undefined;
  const { data, errors } = value;
  expect(errors).toBeUndefined();
  return data?.jobUpdates;
}

/** All states up to the one for which this holds, and that one; or to the end. */
async function statesUntil<Result extends JobUpdatesSubscription>(
  subscription: Subscription<Result>,
  accept: (state: State) => boolean = () => false,
): Promise<Result['jobUpdates'][]> {
  const states: Result['jobUpdates'][] = [];
  for (;;) {
    const state = await next(subscription);
    if (state === undefined) return states;
    states.push(state);
    if (accept(state)) return states;
  }
}

const briefly = ({ status, percentComplete }: State): string => `${status} ${percentComplete}`;
const rows = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => ({ id: `${prefix}-${index}`, title: `Book ${index}` }));

describe.each(BACKENDS)('a GraphQL subscription on %s', (backend) => {
  it('is sent in parts to a client of Apollo, and ends with its job', async () => {
    const app = await startScriptedApp({ backend });
    const id = await app.submit('text');
    const send = (query: string) =>
      app.fetch('/graphql', {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Accept: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json',
        },
        body: JSON.stringify({ query, variables: { id } }),
      });
    const response = await send('subscription ($id: ID!) { jobUpdates(id: $id) { status } }');
    expect(response.headers.get('content-type')).toBe('multipart/mixed;boundary="graphql";subscriptionSpec=1.0');
    app.startWorker();
    const [before, ...parts] = (await response.text()).split('--graphql');
    expect(before).toBe('');
    expect(parts.pop()).toBe('--\r\n');
    const payloads = parts.map((part) => {
      const [head, body] = part.split('\r\n\r\n');
      expect(head).toBe('\r\nContent-Type: application/json');
      return JSON.parse(body ?? '');
    });
    const stateOf = (status: string) => ({ payload: { data: { jobUpdates: { status } } } });
    expect(payloads[0]).toEqual(stateOf('PENDING'));
    expect(payloads.at(-1)).toEqual(stateOf('SUCCEEDED'));

    // Before the subscription begins, an error is an ordinary reply.
    const refused = await send('subscription { nope }');
    expect(refused.headers.get('content-type')).toContain('application/json');
    expect(await refused.json()).toMatchObject({ errors: [{ message: expect.stringContaining('nope') }] });
  });

  it('follows an import from PENDING through its progress to its result, and completes', async () => {
    const app = await startAppForTest(backend);
    const submit = async (count: number, prefix: string) => {
      const input = { books: rows(count, prefix) };
      const { submitBookImport } = await app.graphql.request(SubmitBookImport, { input });
      assert(submitBookImport);
      return submitBookImport.jobId;
    };
    // A worker does two imports at a time, so a third one waits.
    await submit(10_000, 'first');
    await submit(10_000, 'second');
    const id = await submit(3000, 'third');

    const states = await statesUntil(subscribe(app.url, JobUpdatesWithResult, { id }));
    const percents = states.map(({ percentComplete }) => percentComplete);
    expect(states.map(briefly).slice(0, 2)).toEqual(['PENDING 0', 'RUNNING 0']);
    expect(states.slice(2, -1).every(({ status, message }) => status === 'RUNNING' && message !== null)).toBe(true);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(new Set(percents).size).toBeGreaterThan(10);
    expect(states.at(-1)).toMatchObject({
      id,
      status: 'SUCCEEDED',
      done: true,
      message: '3000 of 3000 books',
      import: { imported: 3000, updated: 0 },
    });
  });

  it('sends each state once and in order', async () => {
    const app = await startScriptedApp({
      backend,
      async run(job) {
        await job.progress(25);
        await job.progress(50);
      },
    });
    const subscription = subscribe(app.url, JobUpdates, { id: await app.submit() });
    const states = await statesUntil(subscription, ({ status }) => status === 'PENDING');
    app.startWorker();
    states.push(...(await statesUntil(subscription)));
    expect(states.map(briefly)).toEqual(['PENDING 0', 'RUNNING 0', 'RUNNING 25', 'RUNNING 50', 'SUCCEEDED 100']);
  });

  it('survives a cut connection: the client subscribes again, and receives the final state', async () => {
    const gate = createGate();
    const app = await startScriptedApp({
      backend,
      async run(job) {
        await job.progress(40);
        await gate.opened;
        await job.progress(80);
      },
    });
    app.startWorker();
    const proxy = await startTcpProxy(app.url);
    onTestFinished(() => proxy.close());
    const subscription = subscribe(proxy.url, JobUpdates, { id: await app.submit() });
    await statesUntil(subscription, ({ percentComplete }) => percentComplete === 40);
    proxy.cut();
    await subscription.reconnected;
    // The present state comes first, as always.
    expect(briefly((await next(subscription)) ?? expect.fail('no state'))).toBe('RUNNING 40');
    gate.open();
    expect((await statesUntil(subscription)).map(briefly)).toEqual(['RUNNING 80', 'SUCCEEDED 100']);
  });

  it('is released in the server when its client is disposed', async () => {
    const gate = createGate();
    onTestFinished(() => gate.open());
    const app = await startScriptedApp({ backend, run: () => gate.opened });
    app.startWorker();
    const subscription = subscribe(app.url, JobUpdates, { id: await app.submit() });
    await statesUntil(subscription, ({ status }) => status === 'RUNNING');
    expect(app.followers()).toBe(1);
    subscription.dispose();
    await poll(
      async () => app.followers(),
      (count) => count === 0,
    );
  });
});

describe('a GraphQL subscription', () => {
  it('to a finished job sends its final state, and completes', async () => {
    const app = await startAppForTest('redis');
    const { submitBook } = await app.graphql.request(SubmitBook, { input: { id: '1', title: 'Emma' } });
    assert(submitBook);
    const id = submitBook.jobId;
    await statesUntil(subscribe(app.url, JobUpdatesWithResult, { id }));
    expect(await statesUntil(subscribe(app.url, JobUpdatesWithResult, { id }))).toEqual([
      expect.objectContaining({ id, status: 'SUCCEEDED', book: { id: '1', title: 'Emma' } }),
    ]);
  });

  it('to an unknown job sends an error, and completes', async () => {
    const app = await startAppForTest('redis');
    const { results } = subscribe(app.url, JobUpdates, { id: 'book_AAAAAAAAAAAAAAAAAAAAAA' });
    expect(await Array.fromAsync(results)).toMatchObject([{ errors: [{ extensions: { code: 'NOT_FOUND' } }] }]);
  });

  it('has the headers of an event stream only', async () => {
    const app = await startScriptedApp({ backend: 'redis' });
    const response = await app.fetch('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', Connection: 'close' },
      body: JSON.stringify({ query: 'subscription { jobUpdates(id: "none") { id } }' }),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(await response.text()).toMatch(/event: next\ndata: .+\n\nevent: complete\ndata:\n\n$/);
  });
});
