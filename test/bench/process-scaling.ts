import { ACCEPTED } from './contenders.ts';
import { fill } from './load/fill.ts';
import type { LoadRequest } from './load/load-spec.ts';
import { measureLoad, warmUpSeconds } from './measured-load.ts';
import type { BenchOptions } from './options.ts';
import { type RunningProcess, startProcess } from './processes.ts';
import { FACES, submission } from './requests.ts';
import type { Sample } from './samples.ts';
import type { Stores } from './stores.ts';
import { PROCESSES, PROCESS_COUNTS, processesName } from './targets.ts';

const TURNS = 3;
const POLLED = 5000;

/**
 * What one process of the API does, and two on the same Redis. They are processes as `start:api` starts them, and not of node:cluster,
 * which is one service on one machine: several are behind a load balancer, and so each has a port, and its share of the connections.
 * The second one has nothing to do while the first is measured alone.
 */
export function measureProcesses(stores: Stores, { seconds, connections }: BenchOptions): Promise<Sample[]> {
  return stores.withEmpty(async (settings) => {
    const apis: RunningProcess[] = [];
    const measure = async (path: string, requests: LoadRequest[], count: number, turn: number): Promise<Sample> => {
      const used = apis.slice(0, count);
      const share = { connections: Math.ceil(connections / count), requests };
      const targets = used.map(({ url = '' }) => ({ ...share, url }));
      const accounted = { api: used.map(({ pid }) => pid), store: [stores.redisPid] };
      const duration = { seconds, warmUpSeconds: warmUpSeconds(turn) };
      return { path, name: processesName(count), figures: await measureLoad(targets, duration, accounted) };
    };
    try {
      while (apis.length < Math.max(...PROCESS_COUNTS))
        apis.push(await startProcess(ACCEPTED.command, { ...settings, ...ACCEPTED.settings }));
      const ids = await fill(apis[0]?.url ?? '', submission('rest'), POLLED, POLLED);
      const samples: Sample[] = [];
      for (let turn = 0; turn < TURNS; turn += 1) {
        for (const face of ['rest', 'graphql'] as const) {
          const polls = ids.map((id) => FACES[face].poll(id, 'pending'));
          for (const count of PROCESS_COUNTS) {
            samples.push(await measure(PROCESSES[face].poll, polls, count, turn));
            samples.push(await measure(PROCESSES[face].submit, [submission(face)], count, turn));
          }
        }
      }
      return samples;
    } finally {
      await Promise.all(apis.map(({ end }) => end()));
    }
  });
}
