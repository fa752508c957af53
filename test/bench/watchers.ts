import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ACCEPTED, type Contender } from './contenders.ts';
import { fill } from './load/fill.ts';
import type { LoadRequest } from './load/load-spec.ts';
import { timeOneAtATime } from './load/one-at-a-time.ts';
import { type Watcher, openWatcher } from './load/watcher.ts';
import { type ObservedProcess, startObserved } from './observed-process.ts';
import type { BenchOptions } from './options.ts';
import { startProcess } from './processes.ts';
import { submission, toCancel } from './requests.ts';
import type { Sample } from './samples.ts';
import type { Stores } from './stores.ts';
import { WATCHERS, watchersName } from './targets.ts';

/** Watchers that are opened at a time. */
const AT_A_TIME = 100;
/** What is left of the opening is gone by then. */
const SETTLE_MS = 3000;
/** Files that a process has open besides. */
const OTHER_FILES = 200;
/** Of fewer, what each takes is lost in what the process takes for other reasons. */
const MANY = 1000;

/** Of the last count, so many are told of a change. */
const HEARD = 10;
const MIB = 1024 * 1024;

type FaceName = Contender['face'];
/** By the id of the job that each follows. */
type Watchers = Map<string, Watcher>;

const reportSchema = z.object({
  userLimits: z.object({ open_files: z.object({ hard: z.union([z.number(), z.literal('unlimited')]) }) }).optional(),
});

const SUBSCRIPTION = 'subscription ($id: ID!) { jobUpdates(id: $id) { id status percentComplete } }';

/** How a job is watched, and what says that it was canceled. */
const FACES: Readonly<Record<FaceName, { watch(id: string): LoadRequest; readonly canceled: string }>> = {
  rest: {
    watch: (id) => ({ method: 'GET', path: `/api/jobs/${id}/events`, statuses: [200], contains: '"Pending"' }),
    canceled: '"Canceled"',
  },
  graphql: {
    watch: (id) => ({
      method: 'POST',
      path: '/graphql',
      body: JSON.stringify({ query: SUBSCRIPTION, variables: { id } }),
      statuses: [200],
      contains: '"PENDING"',
    }),
    canceled: '"CANCELED"',
  },
};

/** What watchers take of the API's memory and of connections to Redis, when each follows a pending job of its own. */
export async function measureWatchers(stores: Stores, { watchers }: BenchOptions): Promise<Sample[]> {
  requireFiles(Math.max(...watchers));
  const samples: Sample[] = [];
  for (const face of ['rest', 'graphql'] as const) samples.push(...(await measureFace(face, stores, watchers)));
  return samples;
}

function measureFace(face: FaceName, stores: Stores, counts: readonly number[]): Promise<Sample[]> {
  const { watch, canceled } = FACES[face];
  return stores.withEmpty(async (settings) => {
    const ids = await submitAll(settings, Math.max(...counts));
    const api = await startObserved(ACCEPTED.command, { ...settings, ...ACCEPTED.settings });
    const { url = '' } = api;
    const watchers: Watchers = new Map();
    try {
      const none = await look(api, stores);
      const samples: Sample[] = [{ path: WATCHERS[face], name: watchersName(0), figures: none }];
      for (const count of counts) {
        const more = ids.slice(watchers.size, count);
        await openAll(url, new Map(more.map((id) => [id, watch(id)])), watchers);
        const all = await look(api, stores);
        const open = watchers
          .values()
          .filter((watcher) => watcher.isOpen())
          .toArray().length;
        if (open !== count) throw new Error(`${open} of ${count} watchers are connected`);
        const each = (metric: 'rss' | 'heap'): number => ((all[metric] - none[metric]) * 1024) / count;
        const figures = count < MANY ? all : { ...all, rssEach: each('rss'), heapEach: each('heap') };
        samples.push({ path: WATCHERS[face], name: watchersName(count), figures });
      }
      await expectToHear(url, watchers, canceled);
      return samples;
    } finally {
      for (const watcher of watchers.values()) watcher.close();
      await api.end();
    }
  });
}

/** By another process: the memory that it takes of this one is no watcher's. */
async function submitAll(settings: Readonly<Record<string, string>>, amount: number): Promise<string[]> {
  const api = await startProcess(ACCEPTED.command, { ...settings, ...ACCEPTED.settings });
  try {
    return await fill(api.url ?? '', submission('rest'), amount, amount);
  } finally {
    await api.end();
  }
}

async function openAll(url: string, requests: ReadonlyMap<string, LoadRequest>, watchers: Watchers): Promise<void> {
  const left = requests.entries();
  const openInTurn = async (): Promise<void> => {
    for (const [id, request] of left) watchers.set(id, await openWatcher(url, request));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, openInTurn));
}

async function look(api: ObservedProcess, stores: Stores) {
  await delay(SETTLE_MS);
  const { rss, heapUsed } = await api.memory();
  return { rss: rss / MIB, heap: heapUsed / MIB, connections: await stores.connections() };
}

/** Makes sure that they do watch. */
async function expectToHear(url: string, watchers: Watchers, canceled: string): Promise<void> {
  for (const [id, watcher] of watchers.entries().take(HEARD)) {
    const heard = watcher.hear(canceled);
    await timeOneAtATime(url, [toCancel(id)]);
    await heard;
  }
}

/** @throws Error where one process may not have so many files open; Node asks for all that it may have */
function requireFiles(watchers: number): void {
  const { userLimits } = reportSchema.parse(process.report.getReport());
  const most = userLimits?.open_files.hard ?? 'unlimited';
  const needed = watchers + OTHER_FILES;
  if (most !== 'unlimited' && most < needed) throw new Error(`ulimit -n is ${most}, and ${needed} are needed`);
}
