import { once } from 'node:events';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openPool } from '../support/postgres.ts';

const BACKENDS = ['redis', 'postgres'] as const;
type Remote = (typeof BACKENDS)[number];

/** Takes a running job's lock away from its worker. */
const STEAL: Readonly<Record<Remote, (url: string, id: string) => Promise<void>>> = {
  async redis(url, id) {
    const redis = new Redis(url);
    await redis.set(`accepted:{plain}:${id}:lock`, 'another', 'KEEPTTL');
    redis.disconnect();
  },
  async postgres(url, id) {
    const pool = openPool(url, { max: 1 });
    await pool.query("UPDATE bullmq.job SET lock_token = 'another' WHERE id = $1", [id]);
    await pool.end();
  },
};

describe.each(BACKENDS)('a running job on %s', (backend) => {
  const plain = scripted('plain');
  const test = setUpQueue(backend, [plain]);

  /** Has the job's first run end when it is told to stop, and keeps why. A later run notes whether that had been told by then. */
  function scriptRuns() {
    const started = signal();
    const stopped = signal<string>();
    const order: string[] = [];
    plain.runs(async ({ text }, job) => {
      order.push('run');
      if (order.length > 1) return { text };
      started.reach();
      await once(job.signal, 'abort');
      order.push('stopped');
      stopped.reach(String(job.signal.reason));
      throw new Error('stopped');
    });
    return { started: started.reached, stopped: stopped.reached, order };
  }

  it('whose lock another worker has is stopped, and what it came to counts for nothing', async () => {
    const { started, stopped, order } = scriptRuns();
    const job = await test.add(plain);
    test.work();
    await started;
    await STEAL[backend](test.url ?? '', job.id);
    expect(await stopped).toContain('the worker has lost the job');
    expect(await test.finish(job)).toMatchObject({ status: 'Succeeded', attempt: 1, history: [] });
    expect(order).toEqual(['run', 'stopped', 'run']);
  });

  it('whose worker is cut off from the store is stopped before another worker runs it', async () => {
    const { started, order } = scriptRuns();
    const proxy = await startTcpProxy(test.url ?? '');
    onTestFinished(() => proxy.close());
    const job = await test.add(plain);
    const cutOff = await test.otherSide(proxy.url);
    const workers = cutOff.startWorkers();
    await started;
    const unblock = proxy.block();
    test.work();
    expect(await test.finish(job)).toMatchObject({ status: 'Succeeded', attempt: 1, history: [] });
    expect(order).toEqual(['run', 'stopped', 'run']);
    unblock();
    await workers.close(5000);
  });

  it('that waited for the store to come back is taken by the workers that there were', async () => {
    const proxy = await startTcpProxy(test.url ?? '');
    onTestFinished(() => proxy.close());
    plain.runs(async ({ text }) => ({ text }));
    const side = await test.otherSide(proxy.url);
    const workers = side.startWorkers();
    await test.finish(await test.add(plain));
    const unblock = proxy.block();
    const job = await test.add(plain);
    unblock();
    expect(await test.finish(job)).toMatchObject({ status: 'Succeeded' });
    await workers.close(5000);
  });
});
