import { describe, expect, it, onTestFinished } from 'vitest';
import { tagOfBatch } from '../../src/core/batch/batch.ts';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { QUEUE_UNAVAILABLE, QUEUE_UNCONFIRMED } from '../../src/core/errors.ts';
import { newJobId } from '../../src/core/job-id.ts';
import type { Job } from '../../src/core/job.ts';
import type { KeyedJob, NewJob } from '../../src/core/ports.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { poll } from '../support/follow.ts';
import { type QueueSide, type TestQueue, openSide, scripted, setUpQueue } from '../support/queue.ts';
import { createStore } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const UNAVAILABLE = { problem: 'queue-unavailable', retryAfter: 1 };

const newJob = (id: string): NewJob => ({
  id,
  type: 'plain',
  caller: ANONYMOUS.id,
  createdAt: new Date(),
  maxAttempts: 3,
  input: { text: 'hello' },
  requestId: 'test',
});
const addTo = (side: QueueSide, id: string): Promise<Job> => side.queue.add(newJob(id));

const keyed = (id: string): KeyedJob => ({ ...newJob(id), fingerprint: 'one' });

async function openThroughProxy(test: TestQueue) {
  const proxy = await startTcpProxy(test.url ?? '');
  onTestFinished(() => proxy.close());
  return { proxy, side: await test.otherSide(proxy.url) };
}

describe.each(['redis', 'postgres'] as const)('when a connection to %s ends', (backend) => {
  const plain = scripted('plain');
  const test = setUpQueue(backend, [plain]);

  it('a submission whose confirmation is lost with the connection is confirmed on the next one, and made once', async () => {
    const { proxy, side } = await openThroughProxy(test);
    for (const addAgain of [
      (id: string) => addTo(side, id),
      async (id: string) => (await side.queue.addOnce(keyed(id))).job,
      async (id: string) =>
        (await side.queue.addBatch([{ ...keyed(id), options: { tags: [tagOfBatch(id)] } }])).jobs?.[0],
    ]) {
      // From here on the store's clock and scripts are known, and one question is enough.
      await addTo(side, newJobId('plain'));
      const id = newJobId('plain');
      proxy.swallow();
      const adding = addAgain(id);
      await poll(
        () => test.queue.read(id, 'plain'),
        (job) => job !== undefined,
      );
      proxy.cut();
      expect(await adding).toMatchObject({ id, status: 'Pending' });
    }
    expect(await test.queue.readDepth('plain', 100)).toBe(6);
  });

  it('a submission that cannot be confirmed is refused with the word that it may have been made', async () => {
    const { proxy, side } = await openThroughProxy(test);
    await addTo(side, newJobId('plain'));
    const id = newJobId('plain');
    proxy.swallow();
    await expect(addTo(side, id)).rejects.toMatchObject({ ...UNAVAILABLE, message: QUEUE_UNCONFIRMED });
    expect(await test.queue.read(id, 'plain')).toMatchObject({ status: 'Pending' });
  });

  it('one whose connection ends before its confirmation, and cannot be opened again, likewise', async () => {
    const { proxy, side } = await openThroughProxy(test);
    await addTo(side, newJobId('plain'));
    const id = newJobId('plain');
    proxy.swallow();
    const adding = addTo(side, id);
    await poll(
      () => test.queue.read(id, 'plain'),
      (job) => job !== undefined,
    );
    proxy.block();
    await expect(adding).rejects.toMatchObject({ ...UNAVAILABLE, message: QUEUE_UNCONFIRMED });
    await expect(addTo(side, newJobId('plain'))).rejects.toMatchObject({ ...UNAVAILABLE, message: QUEUE_UNAVAILABLE });
  });
});

describe.each(['redis', 'postgres'] as const)('while %s is frozen', (backend) => {
  const plain = scripted('plain');
  const test = setUpQueue(backend, [plain]);

  const isBack = (side: QueueSide): Promise<boolean> =>
    side.queue.ping().then(
      () => true,
      () => false,
    );

  it('submissions, cancels and retries are refused, and none of them is done when it goes on', async () => {
    const { proxy, side } = await openThroughProxy(test);
    const pending = await test.add(plain);
    const canceled = await test.add(plain);
    await test.queue.cancel(canceled);
    const ids = Array.from({ length: 30 }, () => newJobId('plain'));
    const thaw = proxy.freeze();
    const refused = [
      side.queue.cancel(pending),
      side.queue.retry(canceled, 3),
      ...ids.map((id) => addTo(side, id)),
      side.queue.addOnce(keyed(newJobId('plain'))),
    ];
    for (const each of await Promise.allSettled(refused)) expect(each).toMatchObject({ reason: UNAVAILABLE });
    thaw();
    await poll(() => isBack(side), Boolean);
    // What was sent has been answered then.
    await side.close();
    for (const id of ids) expect(await test.queue.read(id, 'plain')).toBeUndefined();
    expect(await test.read(pending)).toMatchObject({ status: 'Pending' });
    expect(await test.read(canceled)).toMatchObject({ status: 'Canceled' });
    expect(await test.queue.readDepth('plain', 100)).toBe(1);
  });

  it('calls are not even sent, once that is known', async () => {
    const { proxy, side } = await openThroughProxy(test);
    const thaw = proxy.freeze();
    const reason = async (): Promise<unknown> => {
      try {
        return await side.queue.ping();
      } catch (error) {
        return error instanceof Error && error.cause instanceof Error && error.cause.name;
      }
    };
    await poll(reason, (name) => name === 'UnansweredError');
    await expect(addTo(side, newJobId('plain'))).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: QUEUE_UNAVAILABLE,
      cause: { name: 'UnansweredError' },
    });
    thaw();
    await poll(() => isBack(side), Boolean);
    await expect(addTo(side, newJobId('plain'))).resolves.toMatchObject({ status: 'Pending' });
  });
});

it('a submission that waited too long for the session of the embedded store is not done when its turn comes', async () => {
  const store = await createStore('embedded');
  onTestFinished(() => store.remove());
  const embedded = createEmbeddedStore(store.settings.DATA_DIR);
  await embedded.open();
  onTestFinished(() => embedded.close());
  const plain = scripted('plain');
  const side = await openSide({ url: undefined, embedded, types: [plain.type] });
  onTestFinished(() => side.close());
  const id = newJobId('plain');
  const client = await embedded.pool.connect();
  await client.query('BEGIN');
  await expect(addTo(side, id)).rejects.toMatchObject(UNAVAILABLE);
  await client.query('COMMIT');
  client.release();
  expect(
    await poll(
      () => side.queue.read(id, 'plain').catch(() => 'refused'),
      (answer) => answer !== 'refused',
    ),
  ).toBeUndefined();
});
