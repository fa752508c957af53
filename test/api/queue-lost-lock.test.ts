import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

it('a job whose worker lost its lock on Redis is pending, is canceled at once, and later writes of the worker are dropped', async () => {
  const store = await createStore('redis');
  onTestFinished(() => store.remove());
  const app = await startAppForTest('redis', { LOG_LEVEL: 'silent', JOBS_DIR }, { store });
  const gate = createGate();
  const text = randomUUID();
  script(text, async () => {
    await gate.pass();
    return { text };
  });
  const { id } = await (await app.post('/api/scripted-jobs', { text })).json();
  await gate.reached;
  const redis = new Redis(store.settings.QUEUE_URL ?? '');
  onTestFinished(() => redis.disconnect());
  expect(await redis.del(`accepted:{scripted}:${id}:lock`)).toBe(1);

  const path = `/api/jobs/${id}`;
  expect(await (await app.fetch(path)).json()).toMatchObject({ status: 'Pending' });
  const canceled = await app.fetch(path, { method: 'DELETE' });
  expect(canceled.status).toBe(200);
  expect(await canceled.json()).toMatchObject({ status: 'Canceled', done: true });
  gate.open();
  // The worker is free again once its write has been refused.
  const next = await app.post('/api/scripted-jobs', { text: randomUUID() });
  expect((await app.fetch(`${next.headers.get('location')}?onPending=synchronous`)).status).toBe(303);
  expect(await (await app.fetch(`${path}?onComplete=status`)).json()).toMatchObject({ status: 'Canceled' });
});
