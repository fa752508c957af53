import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { CANCELED } from '../job-record.ts';
import type { RedisClient } from './client.ts';
import { SCRIPTS, runScript } from './scripts.ts';

/** BullMQ's lists, in the order in which a job moves, so that one that moves meanwhile is found in the next. */
const LISTS = ['delayed', 'waiting-children', 'prioritized', 'wait', 'active', 'failed', 'completed'];
/** Jobs of one step, in which Redis does nothing else: some milliseconds. */
const STEP = 500;
/** The pause after a step is so many times as long, so that Redis has time for its clients. */
const PAUSE = 4;
/** Milliseconds before the index of a type may be completed again, by whichever process: other programs' jobs stay out of it for ever. */
const AGAIN_MS = 600_000;

const countsSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** How many jobs there are, by BullMQ's lists and by the index over all callers. */
export async function countJobs(client: RedisClient, prefix: string) {
  const counts = countsSchema.parse(await runScript(client, SCRIPTS.countJobs, prefix));
  const [waiting, finished, indexedWaiting, indexedFinished] = counts;
  return { waiting, finished, isComplete: indexedWaiting >= waiting && indexedFinished >= finished };
}

/** Completes the index over all callers of one type's jobs, where it has fewer entries than there are jobs. */
export async function completeIndex(client: RedisClient, prefix: string, isClosed: () => boolean): Promise<void> {
  if ((await countJobs(client, prefix)).isComplete) return;
  if ((await client.set(`${prefix}index:completed`, '1', 'PX', AGAIN_MS, 'NX')) === null) return;
  for (const list of LISTS) {
    let cursor = '0';
    do {
      if (isClosed()) return;
      const begin = performance.now();
      cursor = String(await runScript(client, SCRIPTS.completeIndex, prefix, CANCELED, list, cursor, STEP));
      await delay(PAUSE * (performance.now() - begin), undefined, { ref: false });
    } while (cursor !== '0');
  }
}
