import { ACCEPTED } from './contenders.ts';
import { type LoadRequest, load } from './load/load-spec.ts';
import type { BenchOptions } from './options.ts';
import { startProcess } from './processes.ts';
import { FACES, submission, submitOne } from './requests.ts';
import type { Sample } from './samples.ts';
import { percentile } from './statistics.ts';
import type { Stores } from './stores.ts';
import { POLL_GROWTH, SIZES, sizeName } from './targets.ts';

const CANCELS = 300;
const CANCEL_MS = 10_000;
const LIST: LoadRequest = { method: 'GET', path: '/api/jobs', statuses: [200], contains: '"nextCursor"' };

/** What a poll, a list, a submission and a cancellation cost among so many pending jobs, and what each job takes of Redis. */
export function measureGrowth(stores: Stores, { seconds, connections }: BenchOptions): Promise<Sample[]> {
  return stores.withEmpty(async (settings) => {
    const server = await startProcess(ACCEPTED.command, { ...settings, ...ACCEPTED.settings });
    const { url = '' } = server;
    const samples: Sample[] = [];
    const empty = await memoryOf(stores);
    let size = 0;
    const measure = async (path: string, name: string, request: LoadRequest): Promise<void> => {
      const shape = { kind: 'saturate', seconds, warmUpSeconds: Math.min(seconds, 3) } as const;
      samples.push({ path, name, figures: await load({ url, connections, requests: [request], shape }) });
    };
    try {
      for (const target of SIZES) {
        const name = sizeName(target);
        const amount = target - size;
        await load({ url, connections, requests: [submission('rest')], shape: { kind: 'amount', amount } });
        size = target;
        const bytes = ((await memoryOf(stores)) - empty) / size;
        samples.push({ path: 'growth: memory of Redis', name, figures: { bytes } });
        const id = await submitOne(url, 'rest');
        size += 1;
        await measure(POLL_GROWTH, name, FACES.graphql.poll(id, 'pending'));
        await measure('growth: poll, REST', name, FACES.rest.poll(id, 'pending'));
        await measure('growth: list, REST', name, LIST);
        const { submit, cancel } = await timeCancels(url);
        samples.push({ path: 'growth: submit, REST', name, figures: submit });
        samples.push({ path: 'growth: cancel, REST', name, figures: cancel });
        size += CANCELS;
      }
      return samples;
    } finally {
      await server.end();
    }
  });
}

async function memoryOf({ redis }: Stores): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}

/** Submissions, each of which is canceled, one after the other. */
async function timeCancels(url: string): Promise<Record<'submit' | 'cancel', Sample['figures']>> {
  const submitTimes: number[] = [];
  const cancelTimes: number[] = [];
  for (let run = 0; run < CANCELS; run += 1) {
    const started = performance.now();
    const id = await submitOne(url, 'rest');
    const submitted = performance.now();
    const reply = await fetch(`${url}/api/jobs/${id}`, { method: 'DELETE', signal: AbortSignal.timeout(CANCEL_MS) });
    await reply.text();
    submitTimes.push(submitted - started);
    cancelTimes.push(performance.now() - submitted);
    if (reply.status !== 200) throw new Error(`the cancellation was answered with ${reply.status}`);
  }
  const toFigures = (times: readonly number[]) => ({ p50: percentile(times, 50), p99: percentile(times, 99) });
  return { submit: toFigures(submitTimes), cancel: toFigures(cancelTimes) };
}
