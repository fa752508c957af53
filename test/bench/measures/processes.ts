import { ACCEPTED } from '../contenders.ts';
import type { LoadRequest } from '../driver/connection.ts';
import { fill, load } from '../driver/load.ts';
import { measureLoad } from '../driver/measure-load.ts';
import { type RunningProgram, startProgram } from '../program.ts';
import { PROCESSES, PROCESS_COUNTS, processesName } from '../report/targets.ts';
import { APIS, submission } from '../requests.ts';
import type { Bench } from './measure.ts';

const POLLED = 5000;

/**
 * One process of the API, and two on the same Redis, as behind a load balancer: each has a port of its own and its share of the
 * connections. The second one idles while the first is measured alone.
 */
export function measureProcesses({ stores, options, recorder }: Bench): Promise<void> {
  const { connections, seconds, turns } = options;
  return stores.withEmpty(async (settings) => {
    const processes: RunningProgram[] = [];
    const targetsOf = (requests: readonly LoadRequest[], count: number) =>
      processes.slice(0, count).map(({ url }) => ({ url, requests, connections: Math.ceil(connections / count) }));
    try {
      while (processes.length < Math.max(...PROCESS_COUNTS))
        processes.push(await startProgram(ACCEPTED.server, settings));
      const ids = await fill(processes[0]?.url ?? '', submission('rest'), POLLED, POLLED);
      const loads = (['rest', 'graphql'] as const).flatMap((api) => [
        { path: PROCESSES[api].poll, requests: ids.map((id) => APIS[api].poll(id, 'pending')) },
        { path: PROCESSES[api].submit, requests: [submission(api)] },
      ]);
      for (const { requests } of loads)
        await Promise.all(targetsOf(requests, processes.length).map((target) => load({ ...target, seconds })));
      for (let turn = 1; turn <= turns; turn += 1) {
        for (const { path, requests } of loads) {
          for (const count of PROCESS_COUNTS) {
            const accounted = { api: processes.slice(0, count).map(({ pid }) => pid), store: [stores.redisPid] };
            const figures = await measureLoad(targetsOf(requests, count), { seconds }, accounted);
            recorder.add({ path, name: processesName(count), pair: String(turn), figures });
          }
        }
      }
    } finally {
      await Promise.all(processes.map(({ end }) => end()));
    }
  });
}
