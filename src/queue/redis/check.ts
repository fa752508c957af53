import { Cluster, type Redis } from 'ioredis';
import type { Logger } from '../../core/ports.ts';
import { StartError } from '../../core/start-error.ts';
import { isConnectionError } from '../../stores/connection-error.ts';
import type { RedisClient } from './client.ts';

const OLDEST_VERSION = 7;

/**
 * Checks that a Redis keeps jobs; in a cluster, each master.
 * @param prefix of all channels
 * @returns whether its version could be read, which an operator may forbid
 * @throws StartError that names QUEUE_URL, for one that is too old, drops keys when its memory is full, or forbids its channels
 */
export async function checkRedis(client: RedisClient, prefix: string, logger: Logger): Promise<boolean> {
  const masters = client instanceof Cluster ? client.nodes('master') : [client];
  await checkChannels(client, prefix);
  const readable = await Promise.all(masters.map((master) => checkMaster(master, logger)));
  return readable.every(Boolean);
}

/** Without its channels no process receives changes of jobs. */
async function checkChannels(client: RedisClient, prefix: string): Promise<void> {
  try {
    await client.publish(`${prefix}:check`, '');
  } catch (cause) {
    if (isConnectionError(cause)) throw cause;
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`QUEUE_URL: the Redis user needs access to the channels ${prefix}:* (${detail})`, {
      cause,
    });
  }
}

async function checkMaster(master: Redis, logger: Logger): Promise<boolean> {
  const info = await unlessRefused(master.info());
  if (info === undefined) return false;
  const version = fieldOf(info, 'redis_version') ?? '';
  if (Number.parseInt(version, 10) < OLDEST_VERSION) {
    throw new StartError(`QUEUE_URL: Redis is version ${version}, but must be ${OLDEST_VERSION} or newer`);
  }
  const policy = fieldOf(info, 'maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    throw new StartError(
      `QUEUE_URL: Redis would drop jobs when its memory is full; set its maxmemory-policy to noeviction (now ${policy})`,
    );
  }
  const save = await unlessRefused(master.config('GET', 'save'));
  if (fieldOf(info, 'aof_enabled') === '0' && Array.isArray(save) && save[1] === '') {
    logger.warn({}, 'Redis does not write to disk, so all jobs are lost when it stops; set appendonly to yes');
  }
  return true;
}

/** Undefined if the user lacks the permission, or Redis does not have the command. */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isConnectionError(error)) throw error;
    return undefined;
  }
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

/** Workers wait for jobs with this command. */
const WAITING = 'cmd=bzpopmin';

/** The connections of APIs, which subscribe to changes, and of idle workers to a Redis; 0 where it may not be asked. */
export async function countUsers(client: RedisClient): Promise<number> {
  const masters = client instanceof Cluster ? client.nodes('master') : [client];
  const counts = await Promise.all(
    masters.map(async (master) => {
      const list = String(await unlessRefused(master.call('CLIENT', 'LIST')));
      const database = ` db=${master.options.db ?? 0} `;
      const ours = list.split('\n').filter((line) => line.includes(database));
      return ours.filter((line) => line.includes(WAITING) || / s?sub=[1-9]/.test(line)).length;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
