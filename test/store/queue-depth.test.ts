import { describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

describe.each(BACKENDS)('the depth of a queue on %s', (backend) => {
  const plain = scripted('plain', { concurrency: 1 });
  const again = scripted('again', { backoffSeconds: 3600 });
  const test = setUpQueue(backend, [plain, again]);

  it('is the number of jobs that wait, not of those that run or are done', async () => {
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    for (let count = 0; count < 3; count += 1) await test.add(plain);
    expect(await test.queue.readDepth('plain', 100)).toBe(3);
    // Of all types, for a caller.
    expect(await test.queue.readCallerDepth(ANONYMOUS.id, 100)).toBe(3);
    expect(await test.queue.readCallerDepth(ANONYMOUS.id, 2)).toBe(2);
    expect(await test.queue.readCallerDepth('another', 100)).toBe(0);
    await test.queue.cancel(await test.add(plain, 'canceled'));
    test.work();
    await started.reached;
    expect(await test.queue.readDepth('plain', 100)).toBe(2);
    expect(await test.queue.readCallerDepth(ANONYMOUS.id, 100)).toBe(2);
    release.reach();
    await poll(
      () => test.queue.readDepth('plain', 100),
      (depth) => depth === 0,
    );
  });

  it('has those that wait for their next attempt', async () => {
    again.runs(async () => {
      throw new Error('not this time');
    });
    const job = await test.add(again);
    test.work();
    await poll(
      () => test.read(job),
      (now) => now?.status === 'Pending' && now.attempt === 1,
    );
    expect(await test.queue.readDepth('again', 100)).toBe(1);
    expect(await test.queue.readCallerDepth(ANONYMOUS.id, 100)).toBe(1);
  });

  it('is counted no further than told', async () => {
    for (let count = 0; count < 5; count += 1) await test.add(plain);
    expect(await test.queue.readDepth('plain', 4)).toBe(4);
  });
});
