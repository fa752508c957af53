import { Queue, QueueEvents } from 'bullmq';
import { setting } from '../shared/serve.ts';

const WAIT_MS = 30_000;

/** From `add` to the event that brings the result, in one process, without HTTP. */
const connection = { url: setting('QUEUE_URL') };
const queue = new Queue('empty', { connection });
// It is ready before it reads; from the start of the stream it misses nothing.
const events = new QueueEvents('empty', { connection, lastEventId: '0-0' });
await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);

const data: unknown = JSON.parse(setting('DATA'));
const times: number[] = [];
const warmUp = Number(setting('WARM_UP'));
for (let run = 0; run < warmUp + Number(setting('MEASURED')); run += 1) {
  const started = performance.now();
  const job = await queue.add('empty', data, { attempts: 3 });
  await job.waitUntilFinished(events, WAIT_MS);
  times.push(performance.now() - started);
}
await Promise.all([queue.close(), events.close()]);
process.stdout.write(JSON.stringify(times.slice(warmUp)));
