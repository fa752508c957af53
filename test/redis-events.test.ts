import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JobEvent } from '../src/core/ports.ts';
import { poll } from './support/follow.ts';
import { scripted, setUpQueue, signal } from './support/queue.ts';

describe('the events of a queue on Redis', () => {
  const plain = scripted('plain');
  const test = setUpQueue('redis', [plain]);

  /** How many connections wait for events. */
  async function readers(): Promise<number> {
    const admin = new Redis(test.url ?? '');
    onTestFinished(() => admin.disconnect());
    const clients = String(await admin.client('LIST')).split('\n');
    return clients.filter((client) => /\bflags=b\b/.test(client) && /\bcmd=xread\b/.test(client)).length;
  }

  it('are read by none while nobody listens, and by one reader however many do', async () => {
    const job = await test.add(plain);
    expect(await readers()).toBe(0);
    const ends = Array.from({ length: 3 }, () => test.events.subscribe(job.id, () => undefined));
    const reading = await poll(readers, (count) => count > 0);
    expect(reading).toBe(1);
    for (const end of ends) end();
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

  it('bring with the end of a job that succeeded what a read of it gives', async () => {
    plain.runs(async ({ text }, job) => {
      await job.progress(40, 'half of it');
      if (job.attempt === 1) throw new Error('as told');
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
    expect(await test.queue.cancel(job)).toBe('requested');
    release.reach();
    expect(await ended.reached).toEqual({ kind: 'finished' });
    expect(await test.read(job)).toMatchObject({ status: 'Canceled' });
  });
});
