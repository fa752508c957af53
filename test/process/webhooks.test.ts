import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';
import { startReceiver, verifyWebhook } from '../support/webhook-receiver.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
/** In what is submitted, in the URL of the webhook, and in nothing else. */
const MARK = 'zq7x';
const JOBS = 20;

const submittedSchema = z.object({ items: z.array(z.object({ job: z.object({ id: z.string() }) })) });
const deliveriesSchema = z.object({
  items: z.array(z.object({ status: z.string(), attempts: z.array(z.object({ statusCode: z.number().nullable() })) })),
});
const secretSchema = z.object({ secret: z.string() });

async function attack(backend: 'redis' | 'postgres'): Promise<void> {
  const store = await createStore(backend);
  onTestFinished(() => store.remove());
  const output = new PassThrough().setEncoding('utf8');
  let written = '';
  output.on('data', (chunk: string) => (written += chunk));
  const settings = {
    ...store.settings,
    JOBS_DIR,
    WEBHOOK_ALLOW: '127.0.0.1',
    LOG_LEVEL: 'debug',
    METRICS_PORT: 'off',
    PORT: '0',
  };
  const api = await startProcess({ settings, role: 'api', output });
  const read = async (path: string): Promise<unknown> => (await fetch(`${api.url}${path}`)).json();
  const startWorker = () => startProcess({ settings, role: 'worker', output });
  const workers = await Promise.all([startWorker(), startWorker()]);

  const receiver = await startReceiver();
  // Of what the first workers send, they see no reply.
  receiver.replies(() => undefined);
  const webhook = encodeURIComponent(`${receiver.url}&${MARK}`);
  const reply = await fetch(`${api.url}/api/scripted-jobs/batch?webhook=${webhook}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ items: Array.from({ length: JOBS }, () => ({ text: MARK })) }),
  });
  const ids = submittedSchema.parse(await reply.json()).items.map(({ job }) => job.id);
  await receiver.until(10);
  await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
  const before = receiver.received.length;
  receiver.replies((response, { event }) => response.writeHead(event.data.id === ids[0] ? 410 : 204).end());
  const third = await startWorker();

  const deliveries = await poll(
    async () =>
      Promise.all(ids.map(async (id) => deliveriesSchema.parse(await read(`/api/jobs/${id}/deliveries`)).items)),
    (all) => all.every(([delivery]) => delivery !== undefined && delivery.status !== 'Pending'),
  );
  expect(deliveries.map((items) => items.map(({ status }) => status))).toEqual(
    ids.map((_, at) => [at === 0 ? 'Failed' : 'Delivered']),
  );
  const after = receiver.received.slice(before);
  expect(after.map(({ event }) => event.data.id).toSorted()).toEqual(ids.toSorted());
  const idOf = new Map(after.map(({ event, id }) => [event.data.id, id]));
  for (const { event, id } of receiver.received) expect(id).toBe(idOf.get(event.data.id));
  const { secret } = secretSchema.parse(await read('/api/webhook-secret'));
  for (const { headers, body } of receiver.received) expect(() => verifyWebhook(headers, body, secret)).not.toThrow();

  expect(await third.end('SIGTERM')).toBe(0);
  expect(await api.end('SIGTERM')).toBe(0);
  expect(written).toContain('a webhook was given up');
  for (const hidden of [MARK, 'in-the-query', '/hook', secret]) expect(written).not.toContain(hidden);
}

it('webhooks arrive although the workers that send them are killed, and are in no log', async () => {
  // Both wait for most of the time.
  await expect(Promise.all([attack('redis'), attack('postgres')])).resolves.toBeDefined();
});
