import { ACCEPTED } from '../contenders.ts';
import type { LoadRequest } from '../driver/connection.ts';
import { fill, load, timeOneAtATime } from '../driver/load.ts';
import { measureLoad } from '../driver/measure-load.ts';
import { type Settings, startProgram } from '../program.ts';
import { isPicked } from '../report/statistics.ts';
import { GROWTH, GROWTH_ALONE, sizeName } from '../report/targets.ts';
import { APIS, submission, toCancel } from '../requests.ts';
import { type Bench, alternating } from './measure.ts';

/** Jobs that are polled in turn: polls of one job would be independent of the size of the store. */
const POLLED = 20_000;
/** Requests of each kind that a turn sends one at a time. */
const ALONE = 100;

const SUBMIT = submission('rest');
const LIST: LoadRequest = { method: 'GET', path: '/api/jobs', statuses: [200], contains: '"nextCursor"' };
const LOADS = ['pollGraphql', 'pollRest', 'list'] as const;

/** Submissions, polls, lists and cancellations among so many pending jobs, and the memory of a job in Redis. */
export function measureGrowth(bench: Bench): Promise<void> {
  const { stores, options, recorder } = bench;
  return stores.withEmpty(async (settings) => {
    const grown: GrownStore[] = [];
    try {
      for (const size of options.sizes) grown.push(await growStore(size, bench, settings));
      for (const key of LOADS) for (const { warmUp } of grown) await warmUp(key);
      for (const key of LOADS)
        for (const { turn, item } of alternating(grown, options.turns)) {
          const figures = await item.measure(key);
          recorder.add({ path: GROWTH[key], name: item.name, pair: String(turn), figures });
        }
      for (const { turn, item } of alternating(grown, options.turns))
        for (const [key, requests] of Object.entries(item.alone(turn))) {
          const figures = await timeOneAtATime(item.url, requests);
          // A key of the object that `alone` returns.
          const path = GROWTH_ALONE[key as keyof typeof GROWTH_ALONE];
          recorder.add({ path, name: item.name, pair: String(turn), figures });
        }
    } finally {
      await Promise.all(grown.map(({ end }) => end()));
    }
  });
}

type GrownStore = Awaited<ReturnType<typeof growStore>>;

/** A Redis of its own with so many pending jobs, and an API on it. */
async function growStore(size: number, { stores, options, recorder }: Bench, settings: Settings) {
  const { turns, seconds, connections } = options;
  const redis = await stores.startRedis();
  const server = await startProgram(ACCEPTED.server, { ...settings, QUEUE_URL: redis.url });
  const { url, pid } = server;
  const name = sizeName(size);
  const end = async (): Promise<void> => {
    await server.end();
    await redis.stop();
  };
  try {
    // Scripts and the like come with the first job and belong to none.
    await fill(url, SUBMIT, 1);
    const before = await redis.usedBytes();
    const amount = size - 1;
    const ids = await fill(url, SUBMIT, amount, Math.min(amount, POLLED + ALONE * turns));
    const bytes = ((await redis.usedBytes()) - before) / amount;
    recorder.add({ path: GROWTH.memory, name, pair: '1', figures: { bytes } });

    const isCanceled = (_: string, index: number): boolean => isPicked(index, ALONE * turns, ids.length);
    const canceled = ids.filter(isCanceled);
    const polled = ids.filter((id, index) => !isCanceled(id, index));
    const polls = (api: 'graphql' | 'rest'): LoadRequest[] => polled.map((id) => APIS[api].poll(id, 'pending'));
    const requests = { pollGraphql: polls('graphql'), pollRest: polls('rest'), list: [LIST] };
    const some = (all: readonly LoadRequest[]): LoadRequest[] =>
      all.filter((_, index) => isPicked(index, ALONE, all.length));
    const targetOf = (key: (typeof LOADS)[number]) => ({ url, connections, requests: requests[key] });
    return {
      name,
      url,
      warmUp: (key: (typeof LOADS)[number]) => load({ ...targetOf(key), seconds }),
      measure: (key: (typeof LOADS)[number]) =>
        measureLoad([targetOf(key)], { seconds }, { api: [pid], store: [redis.pid] }),
      /** As many submissions as cancellations, so that the store keeps its size. */
      alone: (turn: number) => ({
        pollGraphql: some(requests.pollGraphql),
        pollRest: some(requests.pollRest),
        list: Array.from({ length: ALONE }, () => LIST),
        submit: Array.from({ length: ALONE }, () => SUBMIT),
        cancel: canceled.filter((_, index) => index % turns === turn - 1).map(toCancel),
      }),
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
