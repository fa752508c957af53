import { describe, expect, it } from 'vitest';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

describe.each(BACKENDS)('the load of a queue on %s', (backend) => {
  const plain = scripted('plain', { concurrency: 1 });
  const again = scripted('again', { backoffSeconds: 3600 });
  const idle = scripted('idle');
  const test = setUpQueue(backend, [plain, again, idle]);

  const loadOf = async (type: string) => {
    const [load, ...others] = await test.backend.readLoads([type]);
    expect(others).toEqual([]);
    return load;
  };

  it('is what waits, what is delayed and what runs', async () => {
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    again.runs(async () => {
      throw new Error('not this time');
    });
    const anHourAgo = new Date(Date.now() - 3_600_000);
    await test.add(plain);
    await test.add(plain, 'old', { createdAt: anHourAgo });
    await test.add(plain);
    test.work();
    await started.reached;
    const load = await loadOf('plain');
    expect(load).toMatchObject({ type: 'plain', waiting: 2, delayed: 0, running: 1 });
    expect(load?.oldestWaitingMs).toBeGreaterThan(3_590_000);
    expect(load?.oldestWaitingMs).toBeLessThan(3_700_000);

    await test.add(again);
    await poll(
      () => loadOf('again'),
      (now) => now?.delayed === 1,
    );
    expect(await loadOf('again')).toEqual({
      type: 'again',
      waiting: 0,
      delayed: 1,
      running: 0,
      oldestWaitingMs: undefined,
    });
    release.reach();
    await poll(
      () => loadOf('plain'),
      (now) => now?.waiting === 0 && now.running === 0,
    );
  });

  it('is read for all types at once', async () => {
    const loads = await test.backend.readLoads(['idle', 'again']);
    expect(loads.map(({ type }) => type).toSorted()).toEqual(['again', 'idle']);
    expect(loads.find(({ type }) => type === 'idle')).toMatchObject({ waiting: 0, delayed: 0, running: 0 });
  });

  it('has a job that is put back waiting since then', async () => {
    const job = await test.add(idle, 'old', { createdAt: new Date(Date.now() - 3_600_000) });
    await test.queue.cancel(job);
    await test.queue.retry(job, 1);
    const load = await loadOf('idle');
    expect(load?.waiting).toBe(1);
    expect(load?.oldestWaitingMs).toBeLessThan(60_000);
  });
});
