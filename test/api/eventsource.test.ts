import { EventSource } from 'eventsource';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { startScriptedApp } from '../support/scripted-app.ts';
import { BACKENDS } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const stateSchema = z.object({
  id: z.string(),
  status: z.string(),
  done: z.boolean(),
  percentComplete: z.number(),
  message: z.string().nullable(),
});
type State = z.output<typeof stateSchema>;

interface Follower {
  readonly source: EventSource;
  readonly states: readonly State[];
  readonly eventIds: readonly string[];
  /** The `Last-Event-ID` and the status of each connection. */
  readonly connections: readonly { readonly lastEventId: string | undefined; readonly status: number }[];
  /** Resolves when a matching state has arrived. */
  until(accept: (state: State) => boolean): Promise<void>;
  /** Resolves when this many connections have been opened. */
  opened(times: number): Promise<void>;
  /** Resolves when the source has stopped connecting. */
  readonly closed: Promise<void>;
}

function follow(url: string): Follower {
  const states: State[] = [];
  const eventIds: string[] = [];
  const connections: Follower['connections'][number][] = [];
  const closed = Promise.withResolvers<void>();
  const waiting = new Set<() => void>();
  let opens = 0;
  const when = (holds: () => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => void (holds() && waiting.delete(check) && resolve());
    waiting.add(check);
    check();
    return promise;
  };
  const changed = (): void => {
    for (const check of waiting) check();
  };
  const source = new EventSource(url, {
    async fetch(input, init) {
      const response = await fetch(input, init);
      connections.push({ lastEventId: init.headers['Last-Event-ID'], status: response.status });
      return response;
    },
  });
  onTestFinished(() => source.close());
  source.addEventListener('open', () => {
    opens += 1;
    changed();
  });
  source.addEventListener('message', ({ data, lastEventId }) => {
    states.push(stateSchema.parse(JSON.parse(String(data))));
    eventIds.push(lastEventId);
    changed();
  });
  source.addEventListener('error', () => void (source.readyState === source.CLOSED && closed.resolve()));
  return {
    source,
    states,
    eventIds,
    connections,
    until: (accept) => when(() => states.some(accept)),
    opened: (times) => when(() => opens >= times),
    closed: closed.promise,
  };
}

const briefly = ({ status, percentComplete }: State): string => `${status} ${percentComplete}`;

describe.each(BACKENDS)('EventSource on %s', (backend) => {
  it('receives each state in order, and gets 204 when it reconnects after the end', async () => {
    const app = await startScriptedApp({
      backend,
      async run(job) {
        await job.progress(25, 'read');
        await job.progress(50, 'checked');
      },
    });
    const id = await app.submit();
    const follower = follow(`${app.url}/api/jobs/${id}/events`);
    await follower.until(({ status }) => status === 'Pending');
    app.startWorker();
    await follower.closed;

    expect(follower.states.map(briefly)).toEqual([
      'Pending 0',
      'Running 0',
      'Running 25',
      'Running 50',
      'Succeeded 100',
    ]);
    expect(follower.states.map(({ message }) => message)).toEqual([null, null, 'read', 'checked', 'checked']);
    expect(follower.states.every((state) => state.id === id)).toBe(true);
    expect(follower.connections).toEqual([
      { lastEventId: undefined, status: 200 },
      { lastEventId: follower.eventIds.at(-1), status: 204 },
    ]);
    expect(follower.source.readyState).toBe(EventSource.CLOSED);
  });

  it('resumes after its connection was cut, and receives no state twice', async () => {
    const gate = createGate();
    const app = await startScriptedApp({
      backend,
      async run(job) {
        await job.progress(40);
        await gate.opened;
        await job.progress(80);
      },
    });
    const proxy = await startTcpProxy(app.url);
    onTestFinished(() => proxy.close());
    const id = await app.submit();
    const follower = follow(new URL(`/api/jobs/${id}/events`, proxy.url).href);
    await follower.until(({ status }) => status === 'Pending');
    app.startWorker();
    await follower.until(({ percentComplete }) => percentComplete === 40);
    const known = follower.eventIds.at(-1);
    proxy.cut();
    await follower.opened(2);
    gate.open();
    await follower.closed;

    expect(follower.states.map(briefly)).toEqual([
      'Pending 0',
      'Running 0',
      'Running 40',
      'Running 80',
      'Succeeded 100',
    ]);
    expect(follower.connections.map(({ status }) => status)).toEqual([200, 200, 204]);
    expect(follower.connections[1]?.lastEventId).toBe(known);
  });

  it('receives the end of a job that ended while it was disconnected', async () => {
    const gate = createGate();
    const app = await startScriptedApp({ backend, run: () => gate.opened });
    app.startWorker();
    const proxy = await startTcpProxy(app.url);
    onTestFinished(() => proxy.close());
    const id = await app.submit();
    const follower = follow(new URL(`/api/jobs/${id}/events`, proxy.url).href);
    await follower.until(({ status }) => status === 'Running');
    proxy.cut();
    gate.open();
    await follower.closed;
    expect(follower.states.map(briefly).slice(-2)).toEqual(['Running 0', 'Succeeded 100']);
  });

  it('is released in the server when it closes', async () => {
    const gate = createGate();
    onTestFinished(() => gate.open());
    const app = await startScriptedApp({ backend, run: () => gate.opened });
    app.startWorker();
    const follower = follow(`${app.url}/api/jobs/${await app.submit()}/events`);
    await follower.until(({ status }) => status === 'Running');
    expect(app.followers()).toBe(1);
    follower.source.close();
    await poll(
      async () => app.followers(),
      (count) => count === 0,
    );
  });
});

describe('EventSource', () => {
  it('receives the only state of a finished job, and stops', async () => {
    const app = await startScriptedApp({ backend: 'redis' });
    app.startWorker();
    const id = await app.submit();
    await app.fetch(`/api/jobs/${id}?onPending=synchronous`);
    const follower = follow(`${app.url}/api/jobs/${id}/events`);
    await follower.closed;
    expect(follower.states.map(briefly)).toEqual(['Succeeded 100']);
  });

  it('is told in the query which event it has, where it cannot set headers', async () => {
    const app = await startScriptedApp({ backend: 'redis' });
    app.startWorker();
    const id = await app.submit();
    await app.fetch(`/api/jobs/${id}?onPending=synchronous`);
    const [, last = ''] = /^id: (.+)$/m.exec(await (await app.fetch(`/api/jobs/${id}/events`)).text()) ?? [];
    expect((await app.fetch(`/api/jobs/${id}/events?lastEventId=${last}`)).status).toBe(204);
    expect((await app.fetch(`/api/jobs/${id}/events?lastEventId=Pending-0-0-1`)).status).toBe(200);
    const headers = { 'Last-Event-ID': 'Pending-0-0-1' };
    expect((await app.fetch(`/api/jobs/${id}/events?lastEventId=${last}`, { headers })).status).toBe(200);
  });

  it('does not reconnect for an unknown job', async () => {
    const app = await startScriptedApp({ backend: 'redis' });
    const follower = follow(`${app.url}/api/jobs/script_AAAAAAAAAAAAAAAAAAAAAA/events`);
    await follower.closed;
    expect(follower.connections).toEqual([{ lastEventId: undefined, status: 404 }]);
  });
});
