import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from './client.ts';

/** One atomic step on one queue. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

const readLua = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
const common = readLua('common');
const turns = readLua('turns');

/** @param texts that make the script together, after what is common to all */
function loadScript(name: string, ...before: readonly string[]): RedisScript {
  const lua = [common, ...before, readLua(name)].join('\n');
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** A script that moves jobs which wait for a worker. The others do not pay for what that takes. */
const loadMove = (name: string): RedisScript => loadScript(name, turns);

/** What BullMQ does not do, or not in one step. Each file begins with the reason for it. */
export const SCRIPTS = {
  addBatch: loadScript('add-jobs', turns, readLua('add-batch')),
  addEnds: loadScript('add-ends'),
  addJobs: loadMove('add-jobs'),
  addStored: loadMove('add-stored'),
  completeIndex: loadScript('complete-index'),
  countTagged: loadScript('count-tagged'),
  countJobs: loadScript('count-jobs'),
  expireJobs: loadMove('expire-jobs'),
  freeSlots: loadMove('free-slots'),
  mendIndex: loadScript('mend-index'),
  placeJobs: loadMove('place-jobs'),
  readJobs: loadScript('read-jobs'),
  readLocks: loadScript('read-locks'),
  readMarked: loadScript('read-marked'),
  readDepth: loadScript('read-depth'),
  readLoad: loadScript('read-load'),
  readCallerDepth: loadScript('read-caller-depth'),
  readPace: loadScript('read-pace'),
  readType: loadScript('read-type'),
  readTime: loadScript('read-time'),
  cancelJob: loadMove('cancel-job'),
  retryJob: loadMove('retry-job'),
  removeFinished: loadScript('remove-finished'),
  takeSlot: loadMove('take-slot'),
  publishChanges: loadScript('publish-changes'),
} as const satisfies Record<string, RedisScript>;

/**
 * Runs a script by its hash, and sends its text where the server does not have it yet.
 * @param prefix of the keys of one queue
 */
export async function runScript(
  client: RedisClient,
  { lua, sha }: RedisScript,
  prefix: string,
  ...args: (string | number)[]
): Promise<unknown> {
  try {
    return await client.evalsha(sha, 1, prefix, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(lua, 1, prefix, ...args);
  }
}
