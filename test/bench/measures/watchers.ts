import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ACCEPTED } from '../contenders.ts';
import type { LoadRequest } from '../driver/connection.ts';
import { fill, timeOneAtATime } from '../driver/load.ts';
import { type Watcher, openWatcher } from '../driver/watcher.ts';
import { type Settings, startProgram } from '../program.ts';
import { WATCHERS, WATCHERS_OF_ONE, watchersName } from '../report/targets.ts';
import { submission, toCancel } from '../requests.ts';
import type { Bench } from './measure.ts';

/** Watchers that are opened at a time. */
const PARALLEL = 100;
/** The garbage and the timers of opening are gone by then. */
const SETTLE_MS = 3000;
/** Files that a process opens beside its watchers' connections. */
const OTHER_FILES = 200;
/** Below so many watchers, the memory of one is lost in the noise. */
const ENOUGH = 1000;
const MIB = 1024 * 1024;

const reportSchema = z.object({
  userLimits: z.object({ open_files: z.object({ hard: z.union([z.number(), z.literal('unlimited')]) }) }).optional(),
});

const SUBSCRIPTION = 'subscription ($id: ID!) { jobUpdates(id: $id) { id status percentComplete } }';

/** How a job is watched, and the text that a canceled job's event contains. */
const APIS = {
  rest: {
    watch: (id: string): LoadRequest => ({
      method: 'GET',
      path: `/api/jobs/${id}/events`,
      statuses: [200],
      contains: '"Pending"',
    }),
    canceled: '"Canceled"',
  },
  graphql: {
    watch: (id: string): LoadRequest => ({
      method: 'POST',
      path: '/graphql',
      body: JSON.stringify({ query: SUBSCRIPTION, variables: { id } }),
      statuses: [200],
      contains: '"PENDING"',
    }),
    canceled: '"CANCELED"',
  },
} as const;

/** The memory and the connections to Redis of one process of the API, by the number of watchers. */
export async function measureWatchers(bench: Bench): Promise<void> {
  requireFiles(Math.max(...bench.options.watchers));
  for (const api of ['rest', 'graphql'] as const) {
    await bench.stores.withEmpty((settings) => measureEachOfItsOwn(bench, api, settings));
    await bench.stores.withEmpty((settings) => measureAllOfOne(bench, api, settings));
  }
}

async function measureEachOfItsOwn(
  { stores, options, recorder }: Bench,
  api: keyof typeof APIS,
  settings: Settings,
): Promise<void> {
  const path = WATCHERS[api];
  const counts = options.watchers;
  const ids = await submitJobs(settings, Math.max(...counts));
  const server = await startProgram(ACCEPTED.server, settings, { observed: true });
  const look = async () => {
    await delay(SETTLE_MS);
    const { rss, heapUsed } = await server.memory();
    return { rss: rss / MIB, heap: heapUsed / MIB, connections: await stores.connections() };
  };
  const watchers: Watcher[] = [];
  try {
    const none = await look();
    recorder.add({ path, name: watchersName(0), pair: '1', figures: none });
    for (const count of counts) {
      await openAll(server.url, ids.slice(watchers.length, count).map(APIS[api].watch), watchers);
      const all = await look();
      const open = watchers.filter((watcher) => watcher.isOpen()).length;
      if (open !== count) throw new Error(`${open} of ${count} watchers are connected`);
      const each = (metric: 'rss' | 'heap'): number => ((all[metric] - none[metric]) * 1024) / count;
      const figures = count < ENOUGH ? all : { ...all, rssEach: each('rss'), heapEach: each('heap') };
      recorder.add({ path, name: watchersName(count), pair: '1', figures });
    }
  } finally {
    for (const watcher of watchers) watcher.close();
    await server.end();
  }
}

/** How long until all watchers of one job have received its end. */
async function measureAllOfOne({ options, recorder }: Bench, api: keyof typeof APIS, settings: Settings) {
  const { watch, canceled } = APIS[api];
  const [id = ''] = await submitJobs(settings, 1);
  const server = await startProgram(ACCEPTED.server, settings);
  const watchers: Watcher[] = [];
  try {
    const count = Math.max(...options.watchers);
    await openAll(
      server.url,
      Array.from({ length: count }, () => watch(id)),
      watchers,
    );
    await delay(SETTLE_MS);
    const started = performance.now();
    await Promise.all([
      timeOneAtATime(server.url, [toCancel(id)]),
      ...watchers.map((watcher) => watcher.receive(canceled)),
    ]);
    const figures = { ms: performance.now() - started };
    recorder.add({ path: WATCHERS_OF_ONE[api], name: watchersName(count), pair: '1', figures });
  } finally {
    for (const watcher of watchers) watcher.close();
    await server.end();
  }
}

/** Through another process: the memory of submissions is not that of watchers. */
async function submitJobs(settings: Settings, amount: number): Promise<string[]> {
  const server = await startProgram(ACCEPTED.server, settings);
  try {
    return await fill(server.url, submission('rest'), amount, amount);
  } finally {
    await server.end();
  }
}

/** Appends in the order of opening. */
async function openAll(url: string, requests: readonly LoadRequest[], watchers: Watcher[]): Promise<void> {
  const left = requests.values();
  const openInTurn = async (): Promise<void> => {
    for (const request of left) watchers.push(await openWatcher(url, request));
  };
  await Promise.all(Array.from({ length: PARALLEL }, openInTurn));
}

/** @throws Error where a process may not open so many files; Node raises its soft limit to the hard one */
function requireFiles(watchers: number): void {
  const { userLimits } = reportSchema.parse(process.report.getReport());
  const most = userLimits?.open_files.hard ?? 'unlimited';
  const needed = watchers + OTHER_FILES;
  if (most !== 'unlimited' && most < needed) throw new Error(`ulimit -n is ${most}, and ${needed} are needed`);
}
