import { describe, expect, it, onTestFinished } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { SCHEDULE_CALLER } from '../../src/core/schedule.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { poll } from '../support/follow.ts';
import { installServers } from '../support/install-servers.ts';
import { startAppForTest } from '../support/app.ts';
import { openSide, scripted } from '../support/queue.ts';
import { startRedis, startSentinel } from '../support/servers.ts';
import { Redis } from 'ioredis';

const DONE = { accepted: 202, done: 303, waited: 200 };

/** Runs the main job over a queue at this URL, and another one whose result must arrive by an event: a poll would take five seconds. */
async function mainJob(QUEUE_URL: string): Promise<{ accepted: number; done: number; waited: number }> {
  const app = await startAppForTest('redis', { QUEUE_URL });
  const accepted = await app.post('/api/books', { id: '42', title: 'Jane Eyre' });
  const done = await poll(
    () => app.fetch(accepted.headers.get('location') ?? ''),
    (answer) => answer.status !== 202,
  );
  const book = { id: '43', title: 'Moby Dick' };
  const headers = { 'Content-Type': 'application/json', Prefer: 'wait=4' };
  const waited = await app.fetch('/api/books', { method: 'POST', headers, body: JSON.stringify(book) });
  return { accepted: accepted.status, done: done.status, waited: waited.status };
}

/** Uses what has scripts of its own: a cluster refuses those whose keys are in several slots. */
async function useAll(url: string): Promise<void> {
  const options = { schedule: { cron: '* * * * * *', input: { text: 'scheduled' } }, concurrencyPerCaller: 1 };
  const { type } = scripted('plain', options);
  const side = await openSide({ url, embedded: createEmbeddedStore(''), types: [type], fair: true });
  onTestFinished(() => side.close());
  const about = { type, caller: ANONYMOUS, requestId: 'test' };
  const inputs = [{ text: 'first' }, { text: 'second' }];
  const { batch } = await side.service.submitBatch({ ...about, inputs, path: [], idempotencyKey: 'a batch' });
  const given = { delaySeconds: 3600, deduplication: { id: 'shared' }, webhook: 'https://hooks.example/' };
  const shared = { given, path: [], base: '' };
  const submit = () => side.service.submit({ ...about, input: { text: 'delayed' }, options: shared });
  const [one, other] = [await submit(), await submit()];
  expect(other.job.id).toBe(one.job.id);
  await side.service.cancel(one.job.id, ANONYMOUS);
  await side.service.retry(one.job.id, ANONYMOUS);
  const [due] = await side.deliveries.take({ most: 5, perReceiver: 5, perCaller: 5, busy: new Map() });
  await due?.settle({ at: new Date(), durationMs: 1, statusCode: 410, error: null }, 'Failed');
  expect(await side.service.readDeliveries(one.job, ANONYMOUS)).toMatchObject([{ id: due?.id, status: 'Failed' }]);
  await side.service.redeliver(one.job.id, due?.id ?? '', ANONYMOUS);

  const workers = side.startWorkers();
  onTestFinished(() => workers.close(5000));
  side.startSchedules();
  const done = await side.service.waitForBatch(batch.id, ANONYMOUS, 50, new AbortController().signal);
  expect(done?.counts).toMatchObject({ succeeded: 2 });
  await poll(
    () => side.service.list({ type: 'plain', statuses: ['Succeeded'], after: undefined, limit: 10 }, ANONYMOUS),
    ({ jobs }) => jobs.some(({ caller }) => caller === SCHEDULE_CALLER),
  );
}

describe('QUEUE_URL', () => {
  const programs = installServers();

  it('redis+cluster:// connects to a Redis Cluster', async () => {
    const server = await startRedis(programs, ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']);
    onTestFinished(() => server.stop());
    const admin = new Redis(server.url);
    await admin.cluster('ADDSLOTSRANGE', 0, 16_383);
    await poll(
      () => admin.cluster('INFO'),
      (info) => info.includes('cluster_state:ok'),
    );
    admin.disconnect();
    const url = server.url.replace('redis://', 'redis+cluster://');
    expect(await mainJob(url)).toEqual(DONE);
    await useAll(url);
  });

  it('redis+sentinel:// connects to the master that the sentinels name', async () => {
    const master = await startRedis(programs);
    onTestFinished(() => master.stop());
    const sentinel = await startSentinel(programs, 'jobs', master.url);
    onTestFinished(() => sentinel.stop());
    expect(await mainJob(`${sentinel.url.replace('redis://', 'redis+sentinel://')}/jobs/3`)).toEqual(DONE);
  });

  it('redis:// accepts a password', async () => {
    const server = await startRedis(programs, ['--requirepass', 'p@ss']);
    onTestFinished(() => server.stop());
    expect(await mainJob(server.url.replace('//', '//:p%40ss@'))).toEqual(DONE);
  });
});
