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

/** @param names of the files that make the script together */
function loadScript(...names: readonly string[]): RedisScript {
  const lua = [common, ...names.map(readLua)].join('\n');
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** What BullMQ does not do, or not in one step. Each file begins with the reason for it. */
export const SCRIPTS = {
  addBatch: loadScript('add-batch', 'add-jobs'),
  addEnds: loadScript('add-ends'),
  addJobs: loadScript('add-jobs'),
  addStored: loadScript('add-stored'),
  completeIndex: loadScript('complete-index'),
  countTagged: loadScript('count-tagged'),
  countJobs: loadScript('count-jobs'),
  expireJobs: loadScript('expire-jobs'),
  mendIndex: loadScript('mend-index'),
  readJobs: loadScript('read-jobs'),
  readLocks: loadScript('read-locks'),
  readMarked: loadScript('read-marked'),
  readDepth: loadScript('read-depth'),
  readLoad: loadScript('read-load'),
  readCallerDepth: loadScript('read-caller-depth'),
  readPace: loadScript('read-pace'),
  readType: loadScript('read-type'),
  readTime: loadScript('read-time'),
  cancelJob: loadScript('cancel-job'),
  retryJob: loadScript('retry-job'),
  removeFinished: loadScript('remove-finished'),
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
