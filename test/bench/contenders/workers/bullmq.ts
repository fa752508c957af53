import { Worker } from 'bullmq';
import { sayReady, setting } from '../shared/serve.ts';

const result: unknown = JSON.parse(setting('RESULT'));

/** A plain worker whose jobs do nothing. */
const worker = new Worker(setting('QUEUE_NAME'), async () => result, {
  connection: { url: setting('QUEUE_URL'), maxRetriesPerRequest: null },
  concurrency: Number(setting('WORKER_CONCURRENCY')),
});
worker.on('error', (error) => process.stderr.write(`${String(error)}\n`));
await worker.waitUntilReady();
sayReady();
