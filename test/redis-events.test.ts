import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from './support/follow.ts';
import { scripted, setUpQueue } from './support/queue.ts';

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
});
