import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { installServers } from '../support/install-servers.ts';
import { startAppForTest } from '../support/app.ts';
import { startRedis, startSentinel } from '../support/servers.ts';
import { Redis } from 'ioredis';

const DONE = { accepted: 202, done: 303, waited: 200 };

/** Runs the main job over a queue at this URL, and another one whose result must arrive by an event: a poll would take five seconds. */
async function mainJob(QUEUE_URL: string): Promise<{ accepted: number; done: number; waited: number }> {
  const app = await startAppForTest('redis', { QUEUE_URL });
  const accepted = await app.post('/api/customers', { id: '42', customername: 'Ada Lovelace' });
  const done = await poll(
    () => app.fetch(accepted.headers.get('location') ?? ''),
    (answer) => answer.status !== 202,
  );
  const customer = { id: '43', customername: 'Grace Hopper' };
  const headers = { 'Content-Type': 'application/json', Prefer: 'wait=4' };
  const waited = await app.fetch('/api/customers', { method: 'POST', headers, body: JSON.stringify(customer) });
  return { accepted: accepted.status, done: done.status, waited: waited.status };
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
    expect(await mainJob(server.url.replace('redis://', 'redis+cluster://'))).toEqual(DONE);
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
