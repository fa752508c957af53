import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from './support/follow.ts';
import { installServers } from './support/install-servers.ts';
import { startAppForTest } from './support/app.ts';
import { startRedis, startSentinel } from './support/servers.ts';
import { Redis } from 'ioredis';

/** Runs the main job over a queue at this URL. */
async function doesTheMainJob(QUEUE_URL: string): Promise<void> {
  const app = await startAppForTest('redis', { QUEUE_URL });
  const accepted = await app.post('/api/customers', { id: '42', customername: 'Ada Lovelace' });
  expect(accepted.status).toBe(202);
  const done = await poll(
    () => app.fetch(accepted.headers.get('location') ?? ''),
    (answer) => answer.status !== 202,
  );
  expect(done.status).toBe(303);
}

describe('QUEUE_URL', () => {
  const programs = installServers();

  it('redis+cluster:// is a Redis Cluster', async () => {
    const server = await startRedis(programs, ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']);
    onTestFinished(() => server.stop());
    const admin = new Redis(server.url);
    await admin.cluster('ADDSLOTSRANGE', 0, 16_383);
    await poll(
      () => admin.cluster('INFO'),
      (info) => String(info).includes('cluster_state:ok'),
    );
    admin.disconnect();
    await doesTheMainJob(server.url.replace('redis://', 'redis+cluster://'));
  });

  it('redis+sentinel:// is the master that the sentinels name', async () => {
    const master = await startRedis(programs);
    onTestFinished(() => master.stop());
    const sentinel = await startSentinel(programs, 'jobs', master.url);
    onTestFinished(() => sentinel.stop());
    await doesTheMainJob(`${sentinel.url.replace('redis://', 'redis+sentinel://')}/jobs/3`);
  });

  it('redis:// takes a password', async () => {
    const server = await startRedis(programs, ['--requirepass', 'p@ss']);
    onTestFinished(() => server.stop());
    await doesTheMainJob(server.url.replace('//', '//:p%40ss@'));
  });
});
