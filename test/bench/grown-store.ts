import { ACCEPTED } from './contenders.ts';
import { fill } from './load/fill.ts';
import type { LoadRequest } from './load/load-spec.ts';
import { timeOneAtATime } from './load/one-at-a-time.ts';
import { measureLoad, warmUpSeconds } from './measured-load.ts';
import type { BenchOptions } from './options.ts';
import { startProcess } from './processes.ts';
import { FACES, submission, toCancel } from './requests.ts';
import type { Sample } from './samples.ts';
import { isPicked } from './statistics.ts';
import type { RedisStore, Stores } from './stores.ts';
import { GROWTH, GROWTH_ALONE, sizeName } from './targets.ts';

/** Jobs that are polled in turn, from the oldest to the newest: a poll of what has just been read would say nothing of the store. */
const POLLED = 20_000;
/** Requests of each kind in a turn that are sent one at a time. */
const ALONE = 100;

const SUBMIT = submission('rest');
const LIST: LoadRequest = { method: 'GET', path: '/api/jobs', statuses: [200], contains: '"nextCursor"' };

export const LOADS = ['pollGraphql', 'pollRest', 'list'] as const;
type LoadKey = (typeof LOADS)[number];

interface GrowOptions {
  readonly size: number;
  readonly turns: number;
  readonly stores: Stores;
  readonly settings: Readonly<Record<string, string>>;
  readonly options: BenchOptions;
}

/** A store with so many pending jobs, and an API on it. */
export interface GrownStore {
  readonly name: string;
  /** Of memory, for each job. */
  readonly bytes: number;
  /** As many requests as the connections can send. @param turn from 0 */
  measureLoad(key: LoadKey, turn: number): Promise<Sample>;
  /** Of each kind of request some, one at a time. */
  measureAlone(turn: number): Promise<Sample[]>;
  end(): Promise<void>;
}

export async function growStore({ size, turns, stores, settings, options }: GrowOptions): Promise<GrownStore> {
  const redis = await stores.startRedis();
  const server = await startProcess(ACCEPTED.command, { ...settings, ...ACCEPTED.settings, QUEUE_URL: redis.url });
  const { url = '', pid } = server;
  const end = async (): Promise<void> => {
    await server.end();
    await redis.stop();
  };
  const { bytes, ids } = await submitAll(url, size, ALONE * turns, redis).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  const name = sizeName(size);
  const accounted = { api: [pid], store: [redis.pid] };
  const canceled = ids.filter((_, index) => isPicked(index, ALONE * turns, ids.length));
  const polled = new Set(ids).difference(new Set(canceled));
  const polls = (face: 'graphql' | 'rest'): LoadRequest[] => [...polled].map((id) => FACES[face].poll(id, 'pending'));
  const loads = { pollGraphql: polls('graphql'), pollRest: polls('rest'), list: [LIST] };
  const some = (requests: readonly LoadRequest[]): LoadRequest[] =>
    requests.filter((_, index) => isPicked(index, ALONE, requests.length));
  return {
    name,
    bytes,
    async measureLoad(key, turn) {
      const duration = { seconds: options.seconds, warmUpSeconds: warmUpSeconds(turn) };
      const target = { url, connections: options.connections, requests: loads[key] };
      return { path: GROWTH[key], name, figures: await measureLoad([target], duration, accounted) };
    },
    async measureAlone(turn) {
      const samples: Sample[] = [];
      // As many come as go, so the store keeps its size.
      const alone = {
        pollGraphql: some(loads.pollGraphql),
        pollRest: some(loads.pollRest),
        list: Array.from({ length: ALONE }, () => LIST),
        submit: Array.from({ length: ALONE }, () => SUBMIT),
        cancel: canceled.filter((_, index) => index % turns === turn).map(toCancel),
      };
      for (const key of [...LOADS, 'submit', 'cancel'] as const)
        samples.push({ path: GROWTH_ALONE[key], name, figures: await timeOneAtATime(url, alone[key]) });
      return samples;
    },
    end,
  };
}

/** Submits them, and keeps the ids of those that are polled and of as many more as this. */
async function submitAll(url: string, size: number, more: number, redis: RedisStore) {
  // What comes with the first job, such as scripts, is none's.
  await fill(url, SUBMIT, 1);
  const before = await redis.usedBytes();
  const amount = size - 1;
  const ids = await fill(url, SUBMIT, amount, Math.min(amount, POLLED + more));
  return { ids, bytes: ((await redis.usedBytes()) - before) / amount };
}
