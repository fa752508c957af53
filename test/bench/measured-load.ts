import { cpuSeconds } from './cpu-time.ts';
import { type LoadResult, type LoadTarget, load } from './load/load-spec.ts';
import type { Sample } from './samples.ts';

export interface Duration {
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** @param turn from 0: later ones find a process that has done the same before */
export const warmUpSeconds = (turn: number): number => (turn === 0 ? 3 : 1);

/** Ids of the processes of whose CPU account is kept. */
export interface Accounted {
  readonly api: readonly number[];
  readonly store: readonly number[];
}

/**
 * Loads at the same time, which have a process of the API each: what they come to together, the latencies of the one that has the
 * longest, and what CPU a request takes of the API and of Redis. Where cores are short, that tells more than the speed.
 */
export async function measureLoad(
  targets: readonly LoadTarget[],
  { seconds, warmUpSeconds: warmUp }: Duration,
  { api, store }: Accounted,
): Promise<Sample['figures']> {
  const run = (duration: number): Promise<LoadResult[]> =>
    Promise.all(
      targets.map((target) => load({ ...target, shape: { kind: 'saturate', seconds: duration, warmUpSeconds: 0 } })),
    );
  // A load of its own, so that it counts for nothing.
  await run(warmUp);
  const [apiBefore, storeBefore] = [cpuOf(api), cpuOf(store)];
  const results = await run(seconds);
  const perSecond = sum(results.map((result) => result.perSecond));
  const micros = (taken: number): number => (taken * 1e6) / (perSecond * seconds);
  const [apiCpu, storeCpu] = [micros(cpuOf(api) - apiBefore), micros(cpuOf(store) - storeBefore)];
  const loadCpu = sum(results.map((result) => (result.loadCpu ?? NaN) * result.perSecond)) / perSecond;
  const latencies = {
    p50: Math.max(...results.map(({ p50 }) => p50)),
    p99: Math.max(...results.map(({ p99 }) => p99)),
  };
  return { perSecond, ...latencies, ...(Number.isFinite(apiCpu) && { apiCpu, storeCpu, loadCpu }) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** NaN where the system does not tell. */
const cpuOf = (pids: readonly number[]): number => sum(pids.map((pid) => cpuSeconds(pid) ?? NaN));
