import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { bareWorker } from './contenders.ts';
import { runProcess, startProcess } from './processes.ts';
import { EMPTY, type copyWithEmptyJob } from './project.ts';
import type { Sample } from './samples.ts';
import { percentile } from './statistics.ts';
import type { Stores } from './stores.ts';

/** Of empty jobs, one after the other; the first ones warm up. */
const JOBS = { warmUp: 2000, measured: 2000 };
const DEADLINE_MS = 120_000;
const JSON_BODY = { 'Content-Type': 'application/json' };

const timesSchema = z.array(z.number());
const acceptedSchema = z.object({ id: z.string() });

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
    const client = createClient(api.url ?? '');
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

/** A client that keeps its connections. */
function createClient(url: string) {
  const agent = new Agent({ keepAlive: true });
  const send = (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<IncomingMessage> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = httpRequest(url + path, { method, agent, headers, timeout: DEADLINE_MS }, resolve);
    request.once('timeout', () => request.destroy(new Error(`${path} was not answered in time`)));
    request.once('error', reject);
    request.end(body);
    return promise;
  };
  const submit = async (headers: Record<string, string>, expected: number): Promise<string> => {
    const response = await send('POST', EMPTY.path, { ...JSON_BODY, ...headers }, JSON.stringify(EMPTY.data));
    const text = await readUntil(response, undefined);
    if (response.statusCode !== expected)
      throw new Error(`the submission was answered with ${response.statusCode} ${text}`);
    return text;
  };
  return {
    /** The result is the reply to the submission. */
    submitAndWait: async (): Promise<void> => void (await submit({ Prefer: 'wait=30' }, 200)),
    /** The submission, and then the events of the job until it is done. */
    async submitAndWatch(): Promise<void> {
      const { id } = acceptedSchema.parse(JSON.parse(await submit({}, 202)));
      const events = await send('GET', `/api/jobs/${id}/events`, { Accept: 'text/event-stream' });
      await readUntil(events, '"status":"Succeeded"');
    },
    /** Milliseconds that each took. */
    async time(once: () => Promise<void>): Promise<number[]> {
      const times: number[] = [];
      for (let run = 0; run < JOBS.warmUp + JOBS.measured; run += 1) {
        const started = performance.now();
        await once();
        times.push(performance.now() - started);
      }
      return times.slice(JOBS.warmUp);
    },
    close: () => agent.destroy(),
  };
}

/** Reads to the end, or, when the text has come, reads the rest alone for the connection to be free. */
async function readUntil(response: IncomingMessage, wanted: string | undefined): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (wanted !== undefined && text.includes(wanted)) resolve(text);
  });
  response.once('end', () => {
    if (wanted === undefined) resolve(text);
    else reject(new Error(`there was no ${wanted} in ${text}`));
  });
  response.once('error', reject);
  return promise;
}
