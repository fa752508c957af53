import { cpuSeconds } from '../program.ts';
import type { Sample } from '../report/samples.ts';
import { type Target, load } from './load.ts';

/** Ids of the processes whose CPU time counts. */
export interface Accounted {
  readonly api: readonly number[];
  readonly store: readonly number[];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Loads on one or more servers at the same time: their throughput together, the worst latencies, and the CPU time of a request. On a
 * machine that others use, CPU time is the steadier figure.
 */
export async function measureLoad(
  targets: readonly Target[],
  duration: { readonly seconds: number; readonly perSecond?: number },
  { api, store }: Accounted,
): Promise<Sample['figures']> {
  const [apiBefore, storeBefore] = [cpuSeconds(api), cpuSeconds(store)];
  const results = await Promise.all(targets.map((target) => load({ ...target, ...duration })));
  const [apiSeconds, storeSeconds] = [cpuSeconds(api) - apiBefore, cpuSeconds(store) - storeBefore];
  const perSecond = sum(results.map((result) => result.perSecond));
  const requests = perSecond * duration.seconds;
  return {
    perSecond,
    p50: Math.max(...results.map(({ p50 }) => p50)),
    p99: Math.max(...results.map(({ p99 }) => p99)),
    ...(Number.isFinite(apiSeconds) && {
      apiCpu: (apiSeconds * 1e6) / requests,
      storeCpu: (storeSeconds * 1e6) / requests,
    }),
    loadCpu: sum(results.map((result) => result.loadCpu * result.perSecond)) / perSecond,
  };
}
