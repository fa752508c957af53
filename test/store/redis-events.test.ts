import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import type { Job } from '../../src/core/job.ts';
import type { JobEvent } from '../../src/core/ports.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';

/** A name that no other test has: a server of Redis has the channels of all its databases in common. */
const TYPE = 'pushed';
const CHANNEL = `accepted:{${TYPE}}:changes`;

describe('the events of a queue on Redis', () => {
  const plain = scripted(TYPE);
  const test = setUpQueue('redis', [plain]);

  function openAdmin(): Redis {
    const admin = new Redis(test.url ?? '');
    onTestFinished(() => admin.disconnect());
    return admin;
  }

  /** How many connections hear of them. */
  async function subscribers(): Promise<unknown> {
    const [, count] = await openAdmin().pubsub('NUMSUB', CHANNEL);
    return count;
  }

  /**
   * Resolves when a listener that was there before has heard all that was published until now. The server counts a subscriber before that has
   * read that its subscription has begun, which says that earlier events may be lost.
   */
  async function listens({ id }: Job, heard: string[]): Promise<void> {
    await poll(subscribers, (count) => count === 1);
    await openAdmin().publish(CHANNEL, `stalled\n${id}\n`);
    await poll(
      async () => heard.includes('waiting'),
      (isHeard) => isHeard,
    );
    heard.length = 0;
  }

  it('are pushed to none while nobody listens, and over one connection however many do', async () => {
    const job = await test.add(plain);
    expect(await subscribers()).toBe(0);
    const ends = Array.from({ length: 3 }, () => test.events.subscribe(job.id, () => undefined));
    expect(await poll(subscribers, (count) => count !== 0)).toBe(1);
    for (const end of ends) end();
  });

  it('publish the start and the end of each job once', async () => {
    const subscriber = openAdmin();
    const published: string[] = [];
    subscriber.on('message', (_channel: string, text: string) => void published.push(text));
    await subscriber.subscribe(CHANNEL);
    plain.runs(async ({ text }) => {
      if (text === 'bad') throw new JobError('BAD', 'The text is bad.', { retry: false });
      return { text };
    });
    test.work();
    const jobs = await Promise.all(['good', 'bad', 'good'].map((text) => test.add(plain, text)));
    const eventsOf = ({ id }: Job): string[] =>
      published.filter((text) => text.includes(`\n${id}\n`)).map((text) => text.replace(/\n.*$/s, ''));
    await poll(
      async () => jobs.map(eventsOf),
      (events) => events.every((names) => names.length >= 2),
    );
    expect(jobs.map(eventsOf)).toEqual([
      ['active', 'completed'],
      ['active', 'failed'],
      ['active', 'completed'],
    ]);
  });

  it('may have been missed by who listened before the reader began, and so are told to be lost', async () => {
    const { events } = await test.otherSide();
    const job = await test.add(plain);
    const heard: string[] = [];
    onTestFinished(events.subscribe(job.id, ({ kind }) => void heard.push(kind)));
    await poll(
      async () => heard.length,
      (count) => count > 0,
    );
    expect(heard).toEqual(['lost']);
  });

  it('may have been missed by who listened while the connection was lost, and go on when it is back', async () => {
    const job = await test.add(plain);
    const heard: string[] = [];
    const hears = (count: number) =>
      poll(
        async () => heard.length,
        (length) => length >= count,
      );
    onTestFinished(test.events.subscribe(job.id, ({ kind }) => void heard.push(kind)));
    await listens(job, heard);
    await openAdmin().call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await hears(1);
    expect(heard).toEqual(['lost']);
    await test.queue.cancel(job);
    await hears(2);
    expect(heard).toEqual(['lost', 'finished']);
  });

  it('come through, whatever else is said on their channel', async () => {
    const job = await test.add(plain);
    const ended = signal();
    onTestFinished(test.events.subscribe(job.id, ({ kind }) => void (kind === 'finished' && ended.reach())));
    await poll(subscribers, (count) => count === 1);
    const admin = openAdmin();
    for (const text of ['', 'hello', `progress\n${job.id}\n{`, `completed\n${job.id}\n{\n1\n1\n1\n1\n1\n0\n[]\nnull`]) {
      await admin.publish(CHANNEL, text);
    }
    await test.queue.cancel(job);
    await ended.reached;
    expect(await test.read(job)).toMatchObject({ status: 'Canceled' });
  });

  it('tell that a job waits again, after an attempt that failed and when its worker hands it back', async () => {
    const again = signal();
    // Jobs of the tests before run too, and may come to their second attempt earlier.
    plain.runs(async ({ text }, { attempt }) => {
      if (attempt === 1) throw new Error('on purpose');
      if (text === 'followed') again.reach();
      return new Promise(() => undefined);
    });
    const job = await test.add(plain, 'followed');
    const heard: string[] = [];
    onTestFinished(test.events.subscribe(job.id, ({ kind }) => void heard.push(kind)));
    await listens(job, heard);
    const workers = test.work();
    await again.reached;
    await workers.close(1);
    // A worker that closes may take the job once more, while it hands back others, and hands it back again.
    const all = await poll(
      async () => heard,
      (kinds) => kinds.length >= 4 && kinds.at(-1) === 'waiting',
    );
    expect(all).toEqual(all.map((_, index) => (index % 2 === 0 ? 'started' : 'waiting')));
    await test.queue.cancel(job);
  });

  it('leave a large result to be read', async () => {
    const text = 'x'.repeat(100_000);
    plain.runs(async () => ({ text }));
    const job = await test.add(plain);
    const ended = signal<JobEvent>();
    onTestFinished(test.events.subscribe(job.id, (event) => event.kind === 'finished' && ended.reach(event)));
    await poll(subscribers, (count) => count === 1);
    test.work();
    expect(await ended.reached).toEqual({ kind: 'finished' });
    expect(await test.read(job)).toMatchObject({ status: 'Succeeded', result: { text } });
  });

  it('bring with the end of a job that succeeded what a read of it gives', async () => {
    plain.runs(async ({ text }, job) => {
      await job.progress(40, 'half of it');
      if (job.attempt === 1) throw new Error('on purpose');
      return { text };
    });
    const job = await test.add(plain);
    const ended = signal<JobEvent>();
    onTestFinished(test.events.subscribe(job.id, (event) => event.kind === 'finished' && ended.reach(event)));
    test.work();
    const event = await ended.reached;
    expect(event).toEqual({ kind: 'finished', job: await test.read(job) });
    expect(event).toMatchObject({
      job: { status: 'Succeeded', attempt: 2, message: 'half of it', history: [{ attempt: 1 }] },
    });
  });

  it('leave it to be read whether a job that was canceled was so before it succeeded', async () => {
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    const job = await test.add(plain);
    const ended = signal<JobEvent>();
    onTestFinished(test.events.subscribe(job.id, (event) => event.kind === 'finished' && ended.reach(event)));
    test.work();
    await started.reached;
    expect(await test.queue.cancel(job)).toMatchObject({ status: 'Running' });
    release.reach();
    expect(await ended.reached).toEqual({ kind: 'finished' });
    expect(await test.read(job)).toMatchObject({ status: 'Canceled' });
  });

  it('keep a job that succeeded where it was submitted, so that its client does not have it read', async () => {
    plain.runs(async ({ text }) => ({ text }));
    const hearEnd = ({ id }: Job): Promise<void> => {
      const ended = signal();
      onTestFinished(test.events.subscribe(id, ({ kind }) => void (kind === 'finished' && ended.reach())));
      return ended.reached;
    };
    const first = await test.add(plain);
    const firstEnded = hearEnd(first);
    await poll(subscribers, (count) => count === 1);
    const job = await test.add(plain);
    const other = await test.otherSide();
    test.work(other);
    await firstEnded;
    const admin = openAdmin();
    await poll(
      () => admin.zscore(`accepted:{${TYPE}}:completed`, job.id),
      (endedAt) => endedAt !== null,
    );
    // What is told of the next one comes behind what was told of this one.
    await hearEnd(await test.add(plain));
    expect(await admin.del(`accepted:{${TYPE}}:${job.id}`)).toBe(1);
    expect(await test.read(job)).toMatchObject({ id: job.id, status: 'Succeeded' });
    expect(await other.queue.read(job.id, job.type)).toBeUndefined();
  });
});
