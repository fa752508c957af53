import { type RedisQueueBackend, createRedisBackend } from 'bullmq';
import { z } from 'zod';
import type { LockRenewer } from '../backend.ts';
import { createRedisClient } from './client.ts';
import { PREFIX, prefixOf, queueName } from './names.ts';
import { SCRIPTS, runScript } from './scripts.ts';

const locksSchema = z.array(z.tuple([z.string(), z.string()]));

export function createRedisLockRenewer(url: string): LockRenewer {
  const client = createRedisClient(url, {
    retryStrategy: (tries) => Math.min(tries * 100, 1000),
    connectTimeout: 2000,
    socketTimeout: 2500,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
  });
  client.on('error', () => undefined);
  const options = { connection: client, prefix: PREFIX, skipVersionCheck: true };
  const backends = new Map<string, RedisQueueBackend>();
  const backendOf = (type: string): RedisQueueBackend => {
    const backend = backends.get(type) ?? createRedisBackend(queueName(type), options, {});
    backends.set(type, backend);
    return backend;
  };
  return {
    async renew({ type, token, timeoutMs, lockMs }) {
      const startedSince = Date.now() - timeoutMs;
      const held = await runScript(client, SCRIPTS.readLocks, prefixOf(type), token, startedSince);
      const locks = locksSchema.parse(held);
      if (locks.length === 0) return;
      await backendOf(type).extendLocks(
        locks.map(([id]) => id),
        locks.map(([, own]) => own),
        lockMs,
      );
    },
  };
}
