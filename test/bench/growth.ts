import { CONTENDERS } from './contenders.ts';
import { type LoadRequest, load } from './load/load-spec.ts';
import type { BenchOptions } from './options.ts';
import { startProcess } from './processes.ts';
import { FACES, submission, submitOne } from './requests.ts';
import type { Sample } from './samples.ts';
import { percentile } from './statistics.ts';
import type { Stores } from './stores.ts';
import { SIZES, sizePath } from './targets.ts';

const CANCELS = 300;
const LIST: LoadRequest = { method: 'GET', path: '/api/jobs', statuses: [200], contains: '"nextCursor"' };

/** What a poll, a list, a submission and a cancellation cost among so many pending jobs, and what each job takes of Redis. */
export function measureGrowth(stores: Stores, { seconds, connections }: BenchOptions): Promise<Sample[]> {
  const accepted = CONTENDERS.find(({ name }) => name === 'accepted-graphql');
  if (accepted === undefined) throw new Error('Accepted is no contender');
  return stores.withEmpty(async (settings) => {
    // The bench fills the queue on purpose.
    const server = await startProcess(accepted.command, { ...settings, QUEUE_MAX_DEPTH: '100000000' });
    const { url = '' } = server;
    const samples: Sample[] = [];
    const empty = await memoryOf(stores);
    let size = 0;
    const add = async (path: string, amount: number): Promise<void> => {
      const figures = await load({ url, connections, request: submission('rest'), shape: { kind: 'amount', amount } });
      samples.push({ path, name: 'accepted-rest', figures });
      size += amount;
    };
    const measure = async (path: string, name: string, request: LoadRequest): Promise<void> => {
      const shape = { kind: 'saturate', seconds, warmUpSeconds: 1 } as const;
      samples.push({ path, name, figures: await load({ url, connections, request, shape }) });
    };
    try {
      for (const target of SIZES) {
        // The last ones are those whose additions count.
        const measured = Math.min(500, target / 2);
        await add(`submissions up to ${target.toLocaleString('en')} jobs`, target - size - measured);
        await add(sizePath('submit', target), measured);
        const bytes = ((await memoryOf(stores)) - empty) / size;
        samples.push({ path: sizePath('memory', target), name: 'redis', figures: { bytes } });
        const id = await submitOne(url, 'rest');
        size += 1;
        await measure(sizePath('poll', target), 'accepted-graphql', FACES.graphql.poll(id, 'pending'));
        await measure(sizePath('poll', target), 'accepted-rest', FACES.rest.poll(id, 'pending'));
        await measure(sizePath('list', target), 'accepted-rest', LIST);
        samples.push({ path: sizePath('cancel', target), name: 'accepted-rest', figures: await timeCancels(url) });
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

/** One after the other. */
async function timeCancels(url: string): Promise<Sample['figures']> {
  const times: number[] = [];
  for (let run = 0; run < CANCELS; run += 1) {
    const id = await submitOne(url, 'rest');
    const started = performance.now();
    const reply = await fetch(`${url}/api/jobs/${id}`, { method: 'DELETE' });
    await reply.text();
    times.push(performance.now() - started);
    if (reply.status !== 200) throw new Error(`the cancellation was answered with ${reply.status}`);
  }
  return { p50: percentile(times, 50), p99: percentile(times, 99) };
}
