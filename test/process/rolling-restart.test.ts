import { join } from 'node:path';
import { EventSource } from 'eventsource';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startApp, startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { JobUpdates } from '../support/operations.ts';
import { startProcess } from '../support/process.ts';
import { startRoundRobin } from '../support/round-robin.ts';
import { createStore } from '../support/stores.ts';
import { subscribe } from '../support/subscribe.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const stateSchema = z.object({ status: z.string(), percentComplete: z.number() });
type State = z.output<typeof stateSchema>;

/** The states of a job that EventSource receives, up to the final one. */
function listen(url: string) {
  const states: State[] = [];
  const ended = Promise.withResolvers<void>();
  let opened = 0;
  const source = new EventSource(url);
  onTestFinished(() => source.close());
  source.addEventListener('open', () => (opened += 1));
  source.addEventListener('message', ({ data }) => void states.push(stateSchema.parse(JSON.parse(String(data)))));
  source.addEventListener('error', () => void (source.readyState === source.CLOSED && ended.resolve()));
  return { states, ended: ended.promise, opened: () => opened };
}

describe.each(['redis', 'postgres'] as const)('watchers on %s', (backend) => {
  it('follow a job across a restart of the API to its end, on both APIs', async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const gate = createGate();
    script(backend, async (job) => {
      await job.progress(40);
      await gate.pass();
      await job.progress(80);
      return { text: backend };
    });
    // It runs the worker too.
    const second = await startAppForTest(backend, { JOBS_DIR }, { store });
    const first = await startApp(backend, { JOBS_DIR }, { store, role: 'api' });
    const balancer = await startRoundRobin(first.url);
    const { id } = await (await first.post('/api/scripted-jobs', { text: backend })).json();

    const onRest = listen(`${balancer.url}/api/jobs/${id}/events`);
    const onGraphQL = subscribe(balancer.url, JobUpdates, { id });
    const received: string[] = [];
    const all = (async () => {
      for await (const { data } of onGraphQL.results)
        if (data) received.push(`${data.jobUpdates.status} ${data.jobUpdates.percentComplete}`);
    })();
    await poll(
      async () => [onRest.states.at(-1)?.percentComplete, received.at(-1)],
      ([percent, last]) => percent === 40 && last === 'RUNNING 40',
    );
    balancer.use(second.url);
    await first.close();
    await onGraphQL.reconnected;
    await poll(
      async () => onRest.opened(),
      (times) => times === 2,
    );
    gate.open();
    await Promise.all([onRest.ended, all]);
    expect(onRest.states.at(-1)).toMatchObject({ status: 'Succeeded', percentComplete: 100 });
    expect(received.at(-1)).toBe('SUCCEEDED 100');
  });
});

const acceptedSchema = z.union([
  z.object({ id: z.string() }),
  z.object({ data: z.object({ submitBook: z.object({ jobId: z.string() }) }) }).transform(({ data }) => ({
    id: data.submitBook.jobId,
  })),
]);

/** Submits books on both APIs and waits for each, like a client that retries, until it is stopped. */
function startLoad(url: string, clients: number) {
  const done: string[] = [];
  const cut: unknown[] = [];
  const refused = new Set<number>();
  const stop = new AbortController();

  /** Repeats a request until it is answered. */
  async function ask(path: string, init: RequestInit): Promise<{ ok: boolean; status: number; body: unknown }> {
    for (;;) {
      // Before the headers arrive, no reply is cut short; the client repeats the request.
      const response = await fetch(url + path, init).catch(() => undefined);
      if (response === undefined) continue;
      const { ok, status } = response;
      try {
        const body: unknown = await response.json();
        if (ok) return { ok, status, body };
        refused.add(status);
      } catch (error) {
        cut.push(error);
      }
    }
  }

  async function submit(book: string): Promise<string> {
    const input = { id: book, title: book };
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': `"${book}"` };
    const query = 'mutation($input: SubmitBookInput!) { submitBook(input: $input) { jobId } }';
    const { body } = await (book.endsWith('0')
      ? ask('/graphql', { method: 'POST', headers, body: JSON.stringify({ query, variables: { input } }) })
      : ask('/api/books', { method: 'POST', headers, body: JSON.stringify(input) }));
    return acceptedSchema.parse(body).id;
  }

  async function follow(id: string): Promise<unknown> {
    for (;;) {
      const path = `/api/jobs/${id}?onComplete=stream`;
      const { status, body } = await ask(path, { headers: { Prefer: 'wait=30' } });
      if (status === 200) return body;
    }
  }

  const loops = Array.from({ length: clients }, async (_, client) => {
    for (let count = 0; !stop.signal.aborted; count += 1) {
      const book = `c${client}-${count}`;
      expect(await follow(await submit(book))).toMatchObject({ id: book, title: book });
      done.push(book);
    }
  });
  return {
    cut,
    refused,
    /** Resolves when all submitted jobs are done. */
    async stop() {
      stop.abort();
      await Promise.all(loops);
    },
    /** Resolves when this many more jobs are done. */
    async goesOn(more: number) {
      const enough = done.length + more;
      await poll(
        async () => done.length,
        (length) => length >= enough,
      );
    },
  };
}

describe.each(['redis', 'postgres'] as const)('a rolling restart under load on %s', (backend) => {
  it('loses no accepted job, and cuts no reply short', { timeout: 180_000 }, async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const start = (role: string) => startProcess({ role, settings: { ...store.settings, LOG_LEVEL: 'info' } });
    const [api1, api2, worker1, worker2] = await Promise.all([
      start('api'),
      start('api'),
      start('worker'),
      start('worker'),
    ]);
    const balancer = await startRoundRobin(api1.url ?? '', api2.url ?? '');
    const load = startLoad(balancer.url, 3);
    await load.goesOn(20);

    // The balancer detects the end of a server only when a connection is refused.
    const api3 = await start('api');
    expect(await api1.end('SIGTERM')).toBe(0);
    balancer.use(api3.url ?? '', api2.url ?? '');
    await load.goesOn(20);
    const api4 = await start('api');
    expect(await api2.end('SIGTERM')).toBe(0);
    balancer.use(api3.url ?? '', api4.url ?? '');
    for (const worker of [worker1, worker2]) {
      await start('worker');
      expect(await worker.end('SIGTERM')).toBe(0);
      await load.goesOn(20);
    }
    await load.stop();
    expect(load.cut).toEqual([]);
    expect([...load.refused]).toEqual([]);
  });
});
