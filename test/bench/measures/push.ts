import { Queue, QueueEvents } from 'bullmq';
import { type CheckoutWithEmptyJob, EMPTY, bareWorker } from '../contenders.ts';
import { openConnection, toBytes } from '../driver/connection.ts';
import { type Settings, startProgram } from '../program.ts';
import { percentile } from '../report/statistics.ts';
import { type Bench, alternating } from './measure.ts';

const WARM_UP_SECONDS = 2;
const WAIT_SECONDS = 30;
const JOB_ID = /"id":"([^"]+)"/;

/** A way to submit a job and to receive its result without polling. */
interface Way {
  readonly name: string;
  run(): Promise<unknown>;
}

interface Opened {
  readonly ways: readonly Way[];
  close(): Promise<unknown>;
}

/** One round: from the submission of an empty job to its pushed result, one job at a time, API and worker in processes of their own. */
export function measurePush({ stores, options, recorder, round, copies }: Bench): Promise<void> {
  const openers = [openBare, ...copies.map((copy) => (settings: Settings) => openCheckout(copy, settings))];
  return stores.withEmptyFor(openers, async (entries) => {
    const opened: Opened[] = [];
    try {
      for (const [open, settings] of entries) opened.push(await open(settings));
      const ways = opened.flatMap((each) => each.ways);
      for (const way of ways) await time(way, WARM_UP_SECONDS);
      for (const { turn, item } of alternating(ways, options.turns)) {
        const times = await time(item, options.seconds);
        const figures = { p50: percentile(times, 50), p99: percentile(times, 99) };
        recorder.add({ path: 'push', name: item.name, pair: `${round}.${turn}`, figures });
      }
    } finally {
      await Promise.all(opened.map(({ close }) => close()));
    }
  });
}

async function time({ run }: Way, seconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  return times;
}

/** BullMQ alone: from `add` to the event that carries the result, without HTTP. */
async function openBare(settings: Settings): Promise<Opened> {
  const worker = await startProgram(bareWorker('empty', EMPTY.data), settings);
  const connection = { url: settings['QUEUE_URL'] ?? '' };
  const queue = new Queue('empty', { connection });
  // It reports ready before it reads. From the start of the stream it misses no event.
  const events = new QueueEvents('empty', { connection, lastEventId: '0-0' });
  const logError = (error: Error): boolean => process.stderr.write(`${String(error)}\n`);
  queue.on('error', logError);
  events.on('error', logError);
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const run = async (): Promise<void> => {
    const job = await queue.add('empty', EMPTY.data, { attempts: 3 });
    await job.waitUntilFinished(events, WAIT_SECONDS * 1000);
  };
  return {
    ways: [{ name: 'bare', run }],
    close: () => Promise.all([queue.close(), events.close(), worker.end()]),
  };
}

/** Over a REST connection that stays open. */
async function openCheckout({ name, server, worker }: CheckoutWithEmptyJob, settings: Settings): Promise<Opened> {
  const running = [await startProgram(server, settings), await startProgram(worker, settings)] as const;
  const [{ url }] = running;
  const connection = await openConnection(url);
  const { host } = new URL(url);
  const submission = { method: 'POST', path: EMPTY.path, body: JSON.stringify(EMPTY.data) } as const;
  const waiting = toBytes(host, { ...submission, headers: [`Prefer: wait=${WAIT_SECONDS}`] });
  const submitting = toBytes(host, submission);
  const watch = async (): Promise<void> => {
    const reply = await connection.exchange(submitting, { statuses: [202], contains: '"id"' });
    const id = JOB_ID.exec(reply)?.[1] ?? '';
    const events = toBytes(host, {
      method: 'GET',
      path: `/api/jobs/${id}/events`,
      headers: ['Accept: text/event-stream'],
    });
    await connection.exchange(events, { statuses: [200], contains: '"status":"Succeeded"' });
  };
  return {
    ways: [
      // The reply to the submission is the result.
      { name: `${name}-wait`, run: () => connection.exchange(waiting, { statuses: [200], contains: EMPTY.data.text }) },
      // The event stream ends with the job.
      { name: `${name}-events`, run: watch },
    ],
    close() {
      connection.close();
      return Promise.all(running.map((program) => program.end()));
    },
  };
}
