import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createServiceServer } from '../../src/service-server.ts';
import { type TestApp, startAppForTest } from '../support/app.ts';
import { API_KEYS, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { type Scraped, scrape } from '../support/metrics.ts';
import { BACKENDS, createStore } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const REQUESTS = 'http_server_request_duration_seconds_count';

const submit = async (app: TestApp, text: string, headers: Record<string, string> = {}): Promise<string> => {
  const reply = await app.fetch('/api/scripted-jobs', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ text }),
  });
  return (await reply.json()).id;
};

const graphql = (app: TestApp, body: object): Promise<Response> =>
  fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Scrapes until it has a value. */
const until = (app: TestApp, accept: (now: Scraped) => boolean): Promise<Scraped> =>
  poll(() => scrape(app.url), accept);

describe('the metrics of requests', () => {
  it('are by route, operation, status and problem, on both APIs', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR });
    await submit(app, 'a');
    await app.fetch('/api/jobs/nothing');
    await graphql(app, { query: '{ jobs { edges { node { id } } } }' });
    await graphql(app, { query: 'mutation { submitScripted(input: { text: "b" }) { jobId } }' });
    await graphql(app, { query: '{ first: jobs { edges { cursor } } scripted: jobStatus(id: "x") { id } }' });
    await graphql(app, { query: '{ __typename }' });
    await graphql(app, { query: '{ jobs' });
    await graphql(app, { query: 'mutation { cancelJob(id: "x") { id } }' });
    const now = await until(app, (each) => each.sum(REQUESTS, { accepted_api: 'graphql' }) === 6);
    const rest = { http_request_method: 'POST', http_route: '/api/scripted-jobs', http_response_status_code: '202' };
    expect(now.sum(REQUESTS, { ...rest, accepted_api: 'rest', error_type: '' })).toBe(1);
    const missing = { http_route: '/api/jobs/:id', http_response_status_code: '404', error_type: 'not-found' };
    expect(now.sum(REQUESTS, missing)).toBe(1);
    for (const graphql_operation of [
      'query jobs',
      'mutation submitScripted',
      'query several',
      'query introspection',
      'mutation cancelJob',
    ])
      expect(`${graphql_operation} ${now.sum(REQUESTS, { graphql_operation })}`).toBe(`${graphql_operation} 1`);
    // A reply with 200 may be a refusal too.
    const refusals = { accepted_api: 'graphql', http_response_status_code: '200' };
    expect(now.sum(REQUESTS, { ...refusals, error_type: 'not-found' })).toBe(1);
    expect(now.sum(REQUESTS, { accepted_api: 'graphql', error_type: 'malformed-request' })).toBe(1);
    expect(now.sum('http_server_request_duration_seconds_sum', rest)).toBeGreaterThan(0);
  });

  it('have nothing that a caller sent in their labels', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR });
    script('leaks its code', async () => {
      throw new JobError('LEAKED_CODE', 'leaked', { retry: false });
    });
    await submit(app, 'leaks its code', { 'X-Request-Id': 'leaked-id', 'User-Agent': 'leaked-agent' });
    await graphql(app, { query: 'query leakedName { leakedField }', operationName: 'leakedName' });
    await graphql(app, { query: '{ leaked: jobs { edges { cursor } } }' });
    await fetch(`${app.url}/leaked/path?leaked=1`);
    await fetch(`${app.url}/%zzleaked`);
    await fetch(`${app.url}/api/jobs/leaked`, { method: 'PATCH' });
    await fetch(`${app.url}/api/jobs/leaked`, { method: 'PROPFIND' });
    const now = await until(
      app,
      (each) => each.sum('accepted_jobs_ended_total') === 1 && each.sum(REQUESTS, { accepted_api: 'other' }) >= 3,
    );
    expect(now.text.toLowerCase()).not.toContain('leaked');
    expect(now.sum(REQUESTS, { http_request_method: '_OTHER' })).toBe(2);
    expect(now.sum('accepted_jobs_ended_total', { type: 'scripted', status: 'Failed', code: 'other' })).toBe(1);
  });
});

describe('the metrics of jobs', () => {
  it('count submissions, replays and refusals, attempts and ends', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR });
    const key = { 'Idempotency-Key': '"one"' };
    let tries = 0;
    script('fails once', async () => {
      tries += 1;
      if (tries === 1) throw new JobError('ONCE', 'once', { retry: true });
      return { text: 'done' };
    });
    await submit(app, 'fails once', key);
    await submit(app, 'fails once', key);
    await submit(app, 'another', key);
    await app.post('/api/scripted-jobs', { text: 1 });
    const type = 'scripted';
    const now = await until(app, (each) => each.sum('accepted_jobs_ended_total', { type, status: 'Succeeded' }) === 1);
    const submissions = (labels: Record<string, string>) => now.sum('accepted_submissions_total', { type, ...labels });
    expect(submissions({ outcome: 'accepted' })).toBe(1);
    expect(submissions({ outcome: 'replayed' })).toBe(1);
    expect(submissions({ outcome: 'refused', reason: 'idempotency-key-reused' })).toBe(1);
    expect(submissions({ outcome: 'refused', reason: 'invalid-input' })).toBe(1);
    const attempts = (accepted_outcome: string) =>
      now.sum('messaging_process_duration_seconds_count', { messaging_destination_name: type, accepted_outcome });
    expect([attempts('failed'), attempts('succeeded')]).toEqual([1, 1]);
    expect(now.sum('accepted_job_wait_seconds_count', { type })).toBe(1);
    for (const messaging_operation_name of ['addOnce', 'readLoads'])
      expect(
        now.sum('messaging_client_operation_duration_seconds_count', { messaging_operation_name }),
      ).toBeGreaterThan(0);
  });

  it.each(BACKENDS)("have the steps of BullMQ's workers on %s", async (backend) => {
    const app = await startAppForTest(backend, { JOBS_DIR });
    const text = `fails once on ${backend}`;
    let tries = 0;
    script(text, async (job) => {
      tries += 1;
      await job.progress(50);
      if (tries === 1) throw new JobError('ONCE', 'once', { retry: true });
      return { text };
    });
    await submit(app, text);
    const now = await until(app, (each) => each.sum('accepted_jobs_ended_total', { status: 'Succeeded' }) === 1);
    const steps = (messaging_operation_name: string, error_type = '') =>
      now.sum('messaging_client_operation_duration_seconds_count', { messaging_operation_name, error_type });
    expect([steps('moveToDelayed'), steps('moveToCompleted')]).toEqual([1, 1]);
    for (const step of ['moveToActive', 'updateProgress']) expect(steps(step)).toBeGreaterThan(0);
  });

  it('count a job that is canceled while it waits, and one while it runs', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR, WORKER_CONCURRENCY: '1' });
    const gate = createGate();
    script('waits', async (job) => {
      await gate.pass();
      job.signal.throwIfAborted();
      return { text: '' };
    });
    const running = await submit(app, 'waits');
    await gate.reached;
    const waiting = await submit(app, 'behind');
    const canceled = { type: 'scripted', status: 'Canceled', code: 'JOB_CANCELED' };
    await app.fetch(`/api/jobs/${waiting}`, { method: 'DELETE' });
    expect((await scrape(app.url)).sum('accepted_jobs_ended_total', canceled)).toBe(1);
    await app.fetch(`/api/jobs/${running}`, { method: 'DELETE' });
    await until(app, (now) => now.sum('accepted_jobs_ended_total', canceled) === 2);
    gate.open();
  });

  it('count what follows a job', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR });
    const gate = createGate();
    script('is followed', async () => {
      await gate.pass();
      return { text: '' };
    });
    const id = await submit(app, 'is followed');
    await gate.reached;
    const stop = new AbortController();
    const stream = await fetch(`${app.url}/api/jobs/${id}/events`, { signal: stop.signal });
    expect((await until(app, (now) => now.sum('accepted_watchers') === 1)).sum('accepted_jobs_running')).toBe(1);
    stop.abort();
    await stream.body?.cancel().catch(() => undefined);
    await until(app, (now) => now.sum('accepted_watchers') === 0);
    gate.open();
  });
});

describe('GET /metrics', () => {
  it('is for admins where callers are known', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR, API_KEYS });
    const status = async (headers: Record<string, string>) => (await fetch(`${app.url}/metrics`, { headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ 'X-API-Key': keyOf('reader') })).toBe(403);
    expect(await status({ 'X-API-Key': keyOf('admin') })).toBe(200);
  });

  it('is on METRICS_PORT where that is set, and then not on the port of the APIs', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR, API_KEYS, METRICS_PORT: '0' });
    const key = { 'X-API-Key': keyOf('admin') };
    expect((await fetch(`${app.url}/metrics`, { headers: key })).status).toBe(404);
    await poll(
      () => scrape(app.metricsUrl ?? ''),
      (now) => now.sum('accepted_store_up', { store: 'queue' }) === 1,
    );
    for (const path of ['/health/live', '/health/ready', '/health/startup'])
      expect((await fetch(`${app.metricsUrl}${path}`)).status).toBe(200);
  });

  it('is nowhere with METRICS_PORT=off', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR, METRICS_PORT: 'off' });
    expect((await fetch(`${app.url}/metrics`)).status).toBe(404);
    expect(app.metricsUrl).toBeUndefined();
  });

  it('answers in time while the store is unavailable, and says so', async () => {
    const { settings, remove } = await createStore('redis');
    onTestFinished(remove);
    const proxy = await startTcpProxy(settings.QUEUE_URL ?? '');
    onTestFinished(() => proxy.close());
    const store = { remove: () => undefined, settings: { ...settings, QUEUE_URL: proxy.url } };
    const app = await startAppForTest('redis', { JOBS_DIR }, { role: 'api', store });
    const before = await until(app, (now) => now.sum('accepted_store_up') === 1);
    expect(before.text).toContain('accepted_jobs_waiting{type="scripted"} 0');
    expect(before.sum('accepted_store_circuit', { state: 'closed' })).toBe(1);
    const thaw = proxy.freeze();
    const away = await until(app, (now) => now.sum('accepted_store_circuit', { state: 'open' }) === 1);
    expect(away.sum('accepted_store_up')).toBe(0);
    // What the store does not say is not there: 0 would mean that no job waits.
    expect(away.text).not.toContain('accepted_jobs_waiting{');
    expect(away.sum(REQUESTS, { http_route: '/metrics' })).toBeGreaterThan(0);
    thaw();
    await until(app, (now) => now.sum('accepted_store_up') === 1);
  });
});

it('a process starts without metrics where another one has the default port', async () => {
  const other = createServer();
  // Another process of this machine may have it already.
  const listened = once(other, 'listening').catch(() => undefined);
  other.listen(9464, '127.0.0.1');
  await listened;
  onTestFinished(() => void other.close());
  const options = {
    scrape: { contentType: '', render: async () => '' },
    health: { checks: {}, isStarted: () => true },
    host: '127.0.0.1',
  };
  const logger = createLogger('silent');
  expect(await createServiceServer({ ...options, port: undefined, logger }).listen()).toBeUndefined();
  const asked = createServiceServer({ ...options, port: 9464, logger }).listen();
  await expect(asked).rejects.toThrow('METRICS_PORT: another process listens on this port: 127.0.0.1:9464');
});
