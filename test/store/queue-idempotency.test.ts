import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ANONYMOUS, type Caller } from '../../src/core/access/caller.ts';
import type { SubmittedJob } from '../../src/core/service/submission.ts';
import { principal } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { type QueueSide, scripted, setUpQueue } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const RETENTION_SECONDS = 2;
let keys = 0;
const newKey = (): string => `key-${(keys += 1)}`;

describe.each(BACKENDS)('idempotency on %s', (backend) => {
  const plain = scripted('plain');
  const other = scripted('other');
  const test = setUpQueue(backend, [plain, other]);
  const brief = setUpQueue(backend, [plain], { retentionSeconds: RETENTION_SECONDS });

  interface Options {
    readonly side?: QueueSide;
    readonly caller?: Caller;
    readonly input?: object;
    readonly requestId?: string;
    readonly of?: typeof plain;
  }
  const submit = (idempotencyKey: string, options: Options = {}): Promise<SubmittedJob> => {
    const {
      side = test,
      caller = ANONYMOUS,
      input = { text: 'hello' },
      requestId = 'one request',
      of = plain,
    } = options;
    return side.service.submit({ type: of.type, input, caller, requestId, idempotencyKey });
  };
  const listed = async (side: QueueSide, caller: Caller): Promise<string[]> => {
    const page = await side.service.list(
      { type: undefined, statuses: undefined, after: undefined, limit: 100 },
      caller,
    );
    return page.jobs.map(({ id }) => id);
  };

  it('makes one job of many submissions of a key at a time over two processes', async () => {
    const sides = [test, await test.otherSide()];
    for (let round = 0; round < 5; round += 1) {
      const caller = principal(`caller-${round}`);
      const key = newKey();
      const submissions = Array.from({ length: 50 }, (_, index) =>
        submit(key, { side: sides[index % 2] ?? test, caller }),
      );
      const found = await Promise.all(submissions);
      const [first] = found;
      expect(new Set(found.map(({ job }) => job.id)).size).toBe(1);
      expect(found.filter(({ replayed }) => !replayed)).toHaveLength(1);
      const job = await test.service.read(first?.job.id ?? '', caller);
      for (const each of found) expect(each.job).toEqual(job);
      // In the list too, under the time at which it was made.
      for (const side of sides) expect(await listed(side, caller)).toEqual([job?.id]);
    }
  });

  it('gives the job as it is, also when it is done, canceled or retried', async () => {
    const caller = principal('later');
    const key = newKey();
    const { job } = await submit(key, { caller });
    const workers = test.work();
    const done = await test.finish(job);
    await workers.close(5000);
    expect(await submit(key, { caller })).toEqual({ job: done, replayed: true });
    expect(await listed(test, caller)).toEqual([job.id]);

    const second = newKey();
    const { job: pending } = await submit(second, { caller });
    await test.queue.cancel(pending);
    expect(await submit(second, { caller })).toMatchObject({ job: { status: 'Canceled' }, replayed: true });
    await test.service.retry(pending.id, caller);
    expect(await submit(second, { caller })).toMatchObject({ job: { status: 'Pending' }, replayed: true });
    expect(await listed(test, caller)).toEqual([pending.id, job.id]);
  });

  it('takes the same input however it is written, and refuses another', async () => {
    const key = newKey();
    const { job } = await submit(key, { input: JSON.parse('{"text":"hello"}') });
    const again = await submit(key, {
      input: Object.assign(Object.create(null), JSON.parse(' { "text" : "hello" } ')),
    });
    expect(again).toMatchObject({ job: { id: job.id }, replayed: true });
    const refused = { problem: 'idempotency-key-reused' };
    await expect(submit(key, { input: { text: 'Hello' } })).rejects.toMatchObject(refused);
    await expect(submit(key, { input: { text: 1 } })).rejects.toMatchObject({ problem: 'invalid-input' });
    expect(await test.queue.readInput(job.id, job.type)).toEqual({ text: 'hello' });
  });

  it('keeps callers, types and keys apart', async () => {
    const key = newKey();
    const [ada, eve] = [principal('ada'), principal('eve')];
    const made = await Promise.all([
      submit(key, { caller: ada }),
      submit(key, { caller: eve }),
      submit(key, { caller: ada, of: other }),
      submit(`${key} `, { caller: ada }),
    ]);
    expect(made.map(({ replayed }) => replayed)).toEqual([false, false, false, false]);
    expect(new Set(made.map(({ job }) => job.id)).size).toBe(4);
    const [ofAda, ofEve] = made;
    expect(await test.service.read(ofAda?.job.id ?? '', eve)).toBeUndefined();
    expect(await test.service.read(ofEve?.job.id ?? '', ada)).toBeUndefined();
    for (const act of [test.service.cancel, test.service.retry]) {
      await expect(act(ofAda?.job.id ?? '', eve)).rejects.toMatchObject({ problem: 'not-found' });
    }
    expect(await listed(test, eve)).toEqual([ofEve?.job.id]);
  });

  it('gives ids that nobody can work out: in another store the key stands for another', async () => {
    const key = newKey();
    const { job } = await submit(key);
    const { job: elsewhere } = await submit(key, { side: brief });
    expect(elsewhere.id).not.toBe(job.id);
    const sides = [test, await test.otherSide()];
    const secrets = await Promise.all(sides.map(({ queue }) => queue.readSecret()));
    expect(new Set(secrets).size).toBe(1);
    expect(await brief.queue.readSecret()).not.toBe(secrets[0]);
    expect(secrets[0]?.length).toBeGreaterThanOrEqual(43);
  });

  it('forgets a key with its job', async () => {
    const key = newKey();
    const { job } = await submit(key, { side: brief });
    await brief.queue.cancel(job);
    const done = await brief.finish(job);
    await poll(
      async () => Date.now(),
      (now) => now > done.expiresAt.getTime(),
    );
    const sides = [brief, await brief.otherSide()];
    const input = { text: 'another' };
    const submissions = Array.from({ length: 10 }, (_, index) =>
      submit(key, { side: sides[index % 2] ?? brief, input }),
    );
    const found = await Promise.all(submissions);
    expect(found.filter(({ replayed }) => !replayed)).toHaveLength(1);
    for (const each of found) expect(each.job).toMatchObject({ id: job.id, status: 'Pending', history: [] });
    expect(found[0]?.job.createdAt.getTime()).toBeGreaterThan(job.createdAt.getTime());
    expect(await brief.queue.readInput(job.id, job.type)).toEqual(input);
  });
});

describe('idempotency on redis', () => {
  const plain = scripted('plain');
  const test = setUpQueue('redis', [plain]);
  const losing = setUpQueue('redis', [plain]);

  it('goes on with its secret when Redis has lost its data', async () => {
    const before = await losing.queue.readSecret();
    const other = await losing.otherSide();
    const admin = new Redis(losing.url ?? '');
    onTestFinished(() => admin.disconnect());
    await admin.flushdb();
    for (const side of [losing, other]) {
      await poll(
        async () => [await side.queue.readSecret(), await admin.get('accepted:secret')],
        ([ofSide, stored]) => ofSide === before && stored === before,
      );
    }
    expect(await (await losing.otherSide()).queue.readSecret()).toBe(before);
  });

  it('has one secret for all, also when a new process was the first after such a loss', async () => {
    const admin = new Redis(losing.url ?? '');
    onTestFinished(() => admin.disconnect());
    await losing.queue.readSecret();
    await admin.flushdb();
    const fresh = await losing.otherSide();
    const secret = await fresh.queue.readSecret();
    await poll(losing.queue.readSecret, (read) => read === secret);
    expect(await admin.get('accepted:secret')).toBe(secret);
  });

  it('leaves no entry in the index of open jobs for a replay of one that is done', async () => {
    const admin = new Redis(test.url ?? '');
    onTestFinished(() => admin.disconnect());
    const submission = {
      type: plain.type,
      input: { text: 'x' },
      caller: ANONYMOUS,
      requestId: 'test',
      idempotencyKey: 'k',
    };
    const { job } = await test.service.submit(submission);
    await test.queue.cancel(job);
    await test.service.submit(submission);
    expect(await admin.zrange('accepted:{plain}:index:open:anonymous', '0', '-1')).toEqual([]);
  });
});
