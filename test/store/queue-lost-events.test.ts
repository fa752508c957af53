import { describe, expect, it, onTestFinished } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openPool } from '../support/postgres.ts';

const never = new AbortController().signal;

/** Takes the events out of PostgreSQL that nobody has read yet; Redis keeps none. */
async function dropEvents(url: string): Promise<void> {
  const admin = openPool(url, { max: 1 });
  expect((await admin.query('DELETE FROM bullmq.event')).rowCount).toBeGreaterThan(0);
  await admin.end();
}

describe.each(['redis', 'postgres'] as const)('events on %s', (backend) => {
  const plain = scripted('plain', { concurrency: 10 });
  const test = setUpQueue(backend, [plain]);

  it('tell of every end, however many jobs end at a time in other processes', async () => {
    const jobs = await Promise.all(Array.from({ length: 600 }, () => test.add(plain)));
    const ended = new Set<string>();
    for (const { id } of jobs) {
      onTestFinished(test.events.subscribe(id, (event) => void (event.kind === 'finished' && ended.add(id))));
    }
    test.work(await test.otherSide());
    test.work(await test.otherSide());
    const heard = await poll(
      async () => ended.size,
      (count) => count === jobs.length,
    );
    expect(heard).toBe(600);
  });

  it('that are lost with the connection are made up for within the time of silence', async () => {
    const proxy = await startTcpProxy(test.url ?? '');
    onTestFinished(() => proxy.close());
    const side = await test.otherSide(proxy.url);
    const job = await test.add(plain);
    const wait = side.service.wait(job.id, ANONYMOUS, 40, never);
    const watch = Array.fromAsync(side.service.watch(job.id, ANONYMOUS, never));
    await poll(
      async () => side.listeners(),
      (count) => count === 2,
    );
    // Both have read the job, and wait for events.
    await side.service.read(job.id, ANONYMOUS);
    const unblock = proxy.block();
    await test.queue.cancel(job);
    if (backend === 'postgres') await dropEvents(test.url ?? '');
    const lostAt = performance.now();
    unblock();
    expect(await wait).toMatchObject({ status: 'Canceled' });
    expect((await watch).at(-1)).toMatchObject({ status: 'Canceled' });
    expect(performance.now() - lostAt).toBeLessThan(8000);
  });
});
