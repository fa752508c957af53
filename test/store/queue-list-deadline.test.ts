import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ListedJobs } from '../../src/core/ports.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { poll } from '../support/follow.ts';
import { installServers } from '../support/install-servers.ts';
import { type QueueSide, openSide, scripted, setUpQueue } from '../support/queue.ts';
import { startRedis } from '../support/servers.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openPool } from '../support/postgres.ts';

const UNAVAILABLE = { problem: 'queue-unavailable', retryAfter: 1 };
const plain = scripted('plain');

const listFailed = ({ queue }: Pick<QueueSide, 'queue'>): Promise<ListedJobs> =>
  queue.list({ caller: 'crashed', types: ['plain'], statuses: ['Failed'], after: undefined, limit: 1 });

/** Refused lists open the circuit, which closes again when the store has answered. */
const listAgain = (side: Pick<QueueSide, 'queue'>): Promise<ListedJobs | undefined> =>
  poll(
    () => listFailed(side).catch(() => undefined),
    (found) => found !== undefined,
  );

describe('a list that reaches its deadline', () => {
  const programs = installServers();

  it('is refused on redis, and reads no further', async () => {
    const server = await startRedis(programs);
    onTestFinished(() => server.stop());
    const proxy = await startTcpProxy(server.url);
    onTestFinished(() => proxy.close());
    const side = await openSide({ url: proxy.url, embedded: createEmbeddedStore(''), types: [plain.type] });
    onTestFinished(() => side.close());
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const key = 'accepted:{plain}:index:Failed:crashed';
    // Entries without a job, which a list removes when it meets them.
    const entries = Array.from({ length: 20_000 }, (_, index) => [index, `plain_${String(index).padStart(22, '0')}`]);
    await admin.zadd(key, ...entries.flat());

    proxy.delay(100);
    await expect(listFailed(side)).rejects.toMatchObject(UNAVAILABLE);
    proxy.delay(0);
    await poll(
      () =>
        side.queue.ping().then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    const left = await admin.zcard(key);
    expect(left).toBeGreaterThan(10_000);
    for (let count = 0; count < 100; count += 1) await side.queue.ping();
    expect(await admin.zcard(key)).toBe(left);
    expect(await listAgain(side)).toMatchObject({ jobs: [], hasMore: false });
    expect(await admin.zcard(key)).toBe(0);
  });

  describe('on postgres', () => {
    const test = setUpQueue('postgres', [plain]);

    it('is refused while the table is locked', async () => {
      const admin = openPool(test.url, { max: 1 });
      onTestFinished(() => admin.end());
      const client = await admin.connect();
      await client.query('BEGIN');
      await client.query('LOCK TABLE bullmq.job IN ACCESS EXCLUSIVE MODE');
      await expect(listFailed(test)).rejects.toMatchObject(UNAVAILABLE);
      await client.query('COMMIT');
      client.release();
      expect(await listAgain(test)).toMatchObject({ jobs: [], hasMore: false });
    });
  });

  describe('on the embedded store', () => {
    const test = setUpQueue('embedded', [plain]);

    it('is refused while another transaction has the session', async () => {
      const client = await test.embedded.pool.connect();
      await client.query('BEGIN');
      await expect(listFailed(test)).rejects.toMatchObject(UNAVAILABLE);
      await client.query('COMMIT');
      client.release();
      expect(await listAgain(test)).toMatchObject({ jobs: [], hasMore: false });
    });
  });
});
