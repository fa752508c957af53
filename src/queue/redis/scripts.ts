import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from './client.ts';

/** One atomic step on one queue. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
/** What stands before every script. */
const common = read('./lua/common.lua');
/** What also stands before scripts that move waiting jobs. The others do not pay for it. */
const turns = `${common}\n${read('./prelude/turns.lua')}`;
/** And what stands before those that know of webhooks. */
const webhooks = read('./prelude/webhooks.lua');
const withWebhooks = `${common}\n${webhooks}`;
const turnsAndWebhooks = `${turns}\n${webhooks}`;
const slots = `${turns}\n${read('./prelude/slots.lua')}`;

function loadScript(name: string, prelude = common): RedisScript {
  const lua = `${prelude}\n${read(`./lua/${name}.lua`)}`;
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** What BullMQ does not do, or not in one step. Each file begins with the reason for it. */
export const SCRIPTS = {
  addBatch: loadScript('add-jobs', `${turns}\n${read('./lua/add-batch.lua')}`),
  addDeliveries: loadScript('add-deliveries', withWebhooks),
  addEnds: loadScript('add-ends'),
  addJobs: loadScript('add-jobs', turns),
  addOutput: loadScript('add-output'),
  addStored: loadScript('add-stored', turns),
  completeIndex: loadScript('complete-index'),
  countTagged: loadScript('count-tagged'),
  countDeliveries: loadScript('count-deliveries', withWebhooks),
  countJobs: loadScript('count-jobs'),
  expireJobs: loadScript('expire-jobs', turnsAndWebhooks),
  freeSlots: loadScript('free-slots', slots),
  mendIndex: loadScript('mend-index'),
  placeJobs: loadScript('place-jobs', turns),
  readDeliveries: loadScript('read-deliveries', withWebhooks),
  readJobs: loadScript('read-jobs'),
  readLocks: loadScript('read-locks'),
  readMarked: loadScript('read-marked'),
  readDepth: loadScript('read-depth'),
  readLoad: loadScript('read-load'),
  readCallerDepth: loadScript('read-caller-depth'),
  readOutput: loadScript('read-output'),
  readPace: loadScript('read-pace'),
  readType: loadScript('read-type'),
  readTime: loadScript('read-time'),
  cancelJob: loadScript('cancel-job', turnsAndWebhooks),
  redeliver: loadScript('redeliver', withWebhooks),
  retryJob: loadScript('retry-job', turnsAndWebhooks),
  removeFinished: loadScript('remove-finished', withWebhooks),
  settleDelivery: loadScript('settle-delivery', withWebhooks),
  storeOutput: loadScript('store-output'),
  takeDeliveries: loadScript('take-deliveries', withWebhooks),
  takeSlot: loadScript('take-slot', slots),
  publishChanges: loadScript('publish-changes', withWebhooks),
  tellEnds: loadScript('tell-ends', withWebhooks),
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
