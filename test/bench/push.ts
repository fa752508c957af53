import { join } from 'node:path';
import { z } from 'zod';
import { bareWorker } from './contenders.ts';
import { openConnection } from './load/connection.ts';
import { toBytes } from './load/request-bytes.ts';
import { runProcess, startProcess } from './processes.ts';
import { EMPTY, type copyWithEmptyJob } from './project.ts';
import type { Sample } from './samples.ts';
import { percentile } from './statistics.ts';
import type { Stores } from './stores.ts';

/** Of empty jobs, one after the other; the first ones warm up. */
const JOBS = { warmUp: 2000, measured: 2000 };
const DEADLINE_MS = 120_000;
const WAIT_SECONDS = 30;

const timesSchema = z.array(z.number());
/** Of the job, in the reply. */
const ID = /"id":"([^"]+)"/;

/** One turn each: from submission to the result that is pushed, with API, worker and client in processes of their own. */
export async function measurePush(stores: Stores, project: ReturnType<typeof copyWithEmptyJob>): Promise<Sample[]> {
  const bare = await stores.withEmpty(async (settings) => {
    const { command, settings: own } = bareWorker({ queue: 'empty', result: EMPTY.data });
    const worker = await startProcess(command, { ...settings, ...own });
    try {
      const program = join(import.meta.dirname, 'contenders/workers/push.ts');
      const counts = {
        WARM_UP: String(JOBS.warmUp),
        MEASURED: String(JOBS.measured),
        DATA: JSON.stringify(EMPTY.data),
      };
      return timesSchema.parse(await runProcess([program], { ...settings, ...counts }, DEADLINE_MS));
    } finally {
      await worker.end();
    }
  });
  const [byWait, byEvents] = await stores.withEmpty(async (settings) => {
    const api = await startProcess(project.command('api'), settings);
    const worker = await startProcess(project.command('worker'), settings);
    const client = await openClient(api.url ?? '');
    try {
      return [await client.time(client.submitAndWait), await client.time(client.submitAndWatch)];
    } finally {
      client.close();
      await Promise.all([api.end(), worker.end()]);
    }
  });
  return [
    { path: 'push', name: 'bare', figures: toFigures(bare) },
    { path: 'push', name: 'accepted-wait', figures: toFigures(byWait) },
    { path: 'push', name: 'accepted-events', figures: toFigures(byEvents) },
  ];
}

const toFigures = (times: readonly number[]): Sample['figures'] => ({
  p50: percentile(times, 50),
  p99: percentile(times, 99),
});

/** A client that keeps its connection. */
async function openClient(url: string) {
  const connection = await openConnection(url);
  const { host } = new URL(url);
  const submission = { method: 'POST', path: EMPTY.path, body: JSON.stringify(EMPTY.data) } as const;
  const waiting = toBytes(host, submission, [`Prefer: wait=${WAIT_SECONDS}`]);
  const submitting = toBytes(host, submission);
  return {
    /** The result is the reply to the submission. */
    submitAndWait: () => connection.send(waiting, { statuses: [200], contains: EMPTY.data.text }),
    /** The submission, and then the events of the job until it is done. */
    async submitAndWatch(): Promise<void> {
      const reply = await connection.send(submitting, { statuses: [202], contains: '"id"' });
      const id = ID.exec(reply)?.[1] ?? '';
      const events = toBytes(host, { method: 'GET', path: `/api/jobs/${id}/events` }, ['Accept: text/event-stream']);
      await connection.send(events, { statuses: [200], contains: '"status":"Succeeded"' });
    },
    /** Milliseconds that each took. */
    async time(once: () => Promise<unknown>): Promise<number[]> {
      const times: number[] = [];
      for (let run = 0; run < JOBS.warmUp + JOBS.measured; run += 1) {
        const started = performance.now();
        await once();
        times.push(performance.now() - started);
      }
      return times.slice(JOBS.warmUp);
    },
    close: connection.close,
  };
}
