import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { statesOf } from '../support/states.ts';
import { createStore } from '../support/stores.ts';

const WATCHERS = 300;
const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const SUBSCRIPTION = { 'Content-Type': 'application/json', Accept: 'text/event-stream' };

describe('a job with hundreds of watchers', () => {
  it('is published to each of them up to its end, without further connections to the store', async () => {
    const store = await createStore('redis');
    onTestFinished(() => store.remove());
    const admin = new Redis(store.settings.QUEUE_URL ?? '');
    onTestFinished(() => admin.disconnect());
    const database = new URL(store.settings.QUEUE_URL ?? '').pathname.slice(1);
    const connections = async (): Promise<number> =>
      String(await admin.client('LIST')).match(new RegExp(` db=${database} `, 'g'))?.length ?? 0;

    const app = await startAppForTest('redis', { JOBS_DIR }, { store });
    const gate = createGate();
    script('watched', async () => {
      await gate.pass();
      return { text: 'watched' };
    });
    const { id } = await (await app.post('/api/scripted-jobs', { text: 'watched' })).json();
    await gate.reached;
    const before = await connections();
    const body = JSON.stringify({ query: `subscription { jobUpdates(id: "${id}") { status } }` });
    const streams = await Promise.all(
      Array.from({ length: WATCHERS }, (_, index) =>
        index % 2 === 0
          ? fetch(`${app.url}/api/jobs/${id}/events`)
          : fetch(`${app.url}/graphql`, { method: 'POST', headers: SUBSCRIPTION, body }),
      ),
    );
    const watching = streams.map((stream) => statesOf(stream));
    await Promise.all(watching.map((states) => states.next()));
    expect(await connections()).toBe(before);

    gate.open();
    const last = await Promise.all(watching.map(async (states) => (await Array.fromAsync(states)).at(-1)));
    expect(last.filter((state) => !/succeeded/i.test(JSON.stringify(state)))).toEqual([]);
  });
});
