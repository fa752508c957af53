import { QueueKeys, RedisConnection, Worker, createIORedisClient } from 'bullmq';
import type { BackendWorker, BackendWorkerOptions, JobProcessor } from '../backend.ts';
import type { JobData } from '../job-record.ts';
import type { RedisClient } from './client.ts';
import { RedisWorkerBackend } from './worker-backend.ts';
import { defineWorkerScripts } from './worker-scripts.ts';

export interface RedisWorkerOptions {
  readonly client: RedisClient;
  /** What every key begins with. */
  readonly prefix: string;
  readonly queueName: string;
  readonly skipVersionCheck: boolean;
  onError(error: Error): void;
}

export function createRedisWorker(
  { client, prefix, queueName, skipVersionCheck, onError }: RedisWorkerOptions,
  processor: JobProcessor,
  { onFailed, onRenewed, onLost, ...options }: BackendWorkerOptions,
): BackendWorker {
  defineWorkerScripts(client);
  const worker = new Worker<JobData, unknown, string, RedisWorkerBackend>(
    queueName,
    processor,
    { ...options, connection: client, prefix },
    (name, opts) => {
      const keys = new QueueKeys(prefix);
      const connection = new RedisConnection(client, { shared: true, blocking: false, skipVersionCheck });
      // What is sent after a command that waits would wait as well. The name is the one that BullMQ knows workers by.
      const connectionName = `${prefix}:${Buffer.from(name).toString('base64')}`;
      const waiting = new RedisConnection(createIORedisClient(client).duplicate({ connectionName }), {
        shared: false,
        blocking: true,
        skipVersionCheck,
      });
      return new RedisWorkerBackend(
        options.lockDuration,
        connection,
        name,
        keys.getKeys(name),
        (key) => keys.toKey(name, key),
        opts,
        waiting,
      );
    },
  );
  worker.on('error', onError);
  worker.on('locksRenewed', ({ jobIds }) => onRenewed(jobIds));
  worker.on('lockRenewalFailed', onLost);
  worker.on('failed', (job) => job && onFailed(job));
  return worker;
}
