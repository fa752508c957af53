import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { EventSource } from 'eventsource';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { MAX_WAIT_SECONDS } from '../../src/core/service/follow.ts';
import { startApp } from '../support/app.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { JobUpdates } from '../support/operations.ts';
import { type ProxyName, readProxyFile, startProxy } from '../support/proxies.ts';
import { subscribe } from '../support/subscribe.ts';

const NAME = 'jobs.example.com';
const jobSchema = z.object({ id: z.string(), statusUrl: z.string() });
const stateSchema = z.object({ status: z.string(), percentComplete: z.number() });
let texts = 0;

/** The server behind a proxy, in this process, with a job that waits at a gate before and after its progress. */
async function setUp(name: ProxyName) {
  const app = await startApp('redis', { JOBS_DIR: 'test/support/jobs/scripted', TRUST_PROXY: '127.0.0.1' });
  onTestFinished(() => app.close());
  const { url, folder } = await startProxy(name, app.url);
  const text = `behind a proxy ${(texts += 1)}`;
  const [progress, end] = [createGate(), createGate()];
  script(text, async (job) => {
    await progress.pass();
    await job.progress(50);
    await end.pass();
    return { text };
  });
  const submit = async (): Promise<string> => {
    const reply = await send(url, '/api/scripted-jobs', { text });
    expect(reply.status).toBe(202);
    return jobSchema.parse(reply.body).id;
  };
  return { url, folder, progress, end, submit };
}

/** POSTs JSON to the public name, which `fetch` would not send as the host. */
async function send(url: string, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const text = JSON.stringify(body);
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number | undefined;
    type: string | undefined;
    body: unknown;
  }>();
  const sent = request(
    new URL(path, url),
    {
      method: 'POST',
      headers: {
        Host: NAME,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(text),
        ...headers,
      },
    },
    (reply) => {
      const {
        statusCode: status,
        headers: { 'content-type': type },
      } = reply;
      json(reply).then((parsed) => resolve({ status, type, body: parsed }), reject);
    },
  );
  sent.on('error', reject).end(text);
  return promise;
}

describe.each(['nginx', 'haproxy'] as const)('behind %s as in deploy/', (name) => {
  it('each event arrives when it is written', async () => {
    const { url, progress, end, submit } = await setUp(name);
    const source = new EventSource(`${url}/api/jobs/${await submit()}/events`);
    onTestFinished(() => source.close());
    const states = eventsOf(source);
    const seen: string[] = [];
    for await (const { status, percentComplete } of states) {
      seen.push(`${status} ${percentComplete}`);
      if (status === 'Running') (percentComplete === 50 ? end : progress).open();
      if (status === 'Succeeded') break;
    }
    expect(seen).toEqual(expect.arrayContaining(['Running 0', 'Running 50', 'Succeeded 100']));
  });

  it('a subscription of graphql-sse receives each state', async () => {
    const { url, progress, end, submit } = await setUp(name);
    const { results } = subscribe(url, JobUpdates, { id: await submit() });
    const seen: string[] = [];
    for await (const { data } of results) {
      const { status, percentComplete } = data?.jobUpdates ?? expect.fail('no state');
      seen.push(`${status} ${percentComplete}`);
      if (status === 'RUNNING') (percentComplete === 50 ? end : progress).open();
    }
    expect(seen).toEqual(expect.arrayContaining(['RUNNING 0', 'RUNNING 50']));
    expect(seen.at(-1)).toBe('SUCCEEDED 100');
  });

  it('a held reply is sent when its job is done, and may be held as long as the contract says', async () => {
    const { url, progress, end, submit } = await setUp(name);
    const path = `/api/jobs/${await submit()}?onComplete=stream`;
    const held = fetch(new URL(path, url), { headers: { Prefer: `wait=${MAX_WAIT_SECONDS}` } });
    await progress.reached;
    progress.open();
    end.open();
    const reply = await held;
    expect([reply.status, reply.headers.get('Preference-Applied')]).toEqual([200, `wait=${MAX_WAIT_SECONDS}`]);
    const timeouts = [
      ...readProxyFile(name).matchAll(/(?:timeout (?:client|server) +|proxy_(?:read|send)_timeout )(\d+)s/g),
    ];
    expect(timeouts).toHaveLength(2);
    for (const [, seconds] of timeouts) expect(Number(seconds)).toBeGreaterThanOrEqual(MAX_WAIT_SECONDS + 20);
  });

  it('URLs have the public name, whatever the client says of itself', async () => {
    const { url } = await setUp(name);
    const forged = {
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'gopher',
      'X-Forwarded-For': '192.0.2.1',
    };
    const { body } = await send(url, '/api/scripted-jobs', { text: 'forged' }, forged);
    const { id, statusUrl } = jobSchema.parse(body);
    expect(statusUrl).toBe(`http://${NAME}/api/jobs/${id}`);
  });

  it('bodies pass up to the limit, above which the reply is a problem', async () => {
    const { url } = await setUp(name);
    const accepted = await send(url, '/api/scripted-jobs', { text: 'x'.repeat(1.5 * 1024 * 1024 - 11) });
    expect(accepted.status).toBe(202);
    const refused = await send(url, '/api/scripted-jobs', { text: 'x'.repeat(1_600_000) });
    expect(refused).toMatchObject({
      status: 413,
      type: expect.stringMatching(/^application\/problem\+json/),
      body: { type: expect.stringMatching(/\/problems\/too-large$/), title: 'The request body is too large' },
    });
  });

  it('metrics are not public, and the log has no query', async () => {
    const { url, folder } = await setUp(name);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    await (await fetch(`${url}/health/live?accessToken=secret`)).text();
    if (name === 'haproxy') return expect(readProxyFile(name)).toMatch(/log-format "[^"]*%HPO/);
    const log = readFileSync(join(folder, 'access.log'), 'utf8');
    expect(log).toContain('"GET /health/live" 200');
    expect(log).not.toContain('secret');
  });
});

async function* eventsOf(source: EventSource): AsyncGenerator<z.output<typeof stateSchema>, void, void> {
  const received: z.output<typeof stateSchema>[] = [];
  let notify = (): void => undefined;
  source.addEventListener('message', ({ data }) => {
    received.push(stateSchema.parse(JSON.parse(data)));
    notify();
  });
  for (;;) {
    const state = received.shift();
    if (state !== undefined) yield state;
    else await new Promise<void>((resolve) => void (notify = resolve));
  }
}
