import { type RedisQueueBackend, Worker, createRedisBackend } from 'bullmq';
import type { BackendWorker, BackendWorkerOptions, JobProcessor } from '../backend.ts';
import { CANCELED, type JobData } from '../job-record.ts';
import { type JobChanges, createJobChanges } from './changes.ts';
import type { RedisClient } from './client.ts';

export interface RedisWorkerOptions {
  readonly client: RedisClient;
  /** What every key begins with. */
  readonly prefix: string;
  readonly queueName: string;
  readonly skipVersionCheck: boolean;
  onError(error: Error): void;
}

/** BullMQ's worker, with BullMQ's scripts. Around each step it keeps the index of lists and publishes the change. */
export function createRedisWorker(
  { client, prefix, queueName, skipVersionCheck, onError }: RedisWorkerOptions,
  processor: JobProcessor,
  {
    onCompleted,
    onFailed,
    onRenewed,
    onLost,
    isOwn = false,
    measure = (steps) => steps,
    ...options
  }: BackendWorkerOptions,
): BackendWorker {
  const worker = new Worker<JobData>(
    queueName,
    processor,
    { ...options, connection: client, prefix, skipVersionCheck },
    (...of) => {
      const backend = measure(createRedisBackend(...of));
      return isOwn ? backend : withChanges(backend, createJobChanges(client, backend.toKey(''), onError));
    },
  );
  worker.on('error', onError);
  worker.on('locksRenewed', ({ jobIds }) => onRenewed(jobIds));
  worker.on('lockRenewalFailed', onLost);
  worker.on('completed', onCompleted);
  worker.on('failed', (job) => job && onFailed(job));
  return worker;
}

/**
 * An entry of the index is written before the job moves, so that a crash between the two leaves an entry too many, which readers skip,
 * and never a job without one. A change is published when BullMQ has made it. The publication of an end is sent in the same turn as BullMQ's
 * command and behind it, which saves a round trip for each job; the script publishes an end only if the job has ended.
 */
function withChanges(backend: RedisQueueBackend, { addToIndex, publish }: JobChanges): RedisQueueBackend {
  /** Publishes the start of the job that BullMQ's reply brings, if it brings one: its fields, then its id. */
  const publishStart = (next: readonly unknown[] | void): void => {
    if (Array.isArray(next) && next[0]) publish('active', String(next[1]));
  };
  const moveToActive = backend.moveToActive.bind(backend);
  const moveToCompleted = backend.moveToCompleted.bind(backend);
  const moveToFailed = backend.moveToFailed.bind(backend);
  const moveToDelayed = backend.moveToDelayed.bind(backend);
  const moveToWaitingChildren = backend.moveToWaitingChildren.bind(backend);
  const moveJobFromActiveToWait = backend.moveJobFromActiveToWait.bind(backend);
  const moveStalledJobsToWait = backend.moveStalledJobsToWait.bind(backend);
  const retryJob = backend.retryJob.bind(backend);
  const updateProgress = backend.updateProgress.bind(backend);
  return Object.assign(backend, {
    async moveToActive(...args) {
      const next = await moveToActive(...args);
      publishStart(next);
      return next;
    },
    async moveToCompleted(...args) {
      const [job] = args;
      await addToIndex('Succeeded', job);
      const ending = moveToCompleted(...args);
      publish('completed', job.id ?? '');
      const end = await ending;
      publishStart(end.result);
      return end;
    },
    async moveToFailed(...args) {
      const [job, reason] = args;
      await addToIndex(reason === CANCELED ? 'Canceled' : 'Failed', job);
      const ending = moveToFailed(...args);
      publish('failed', job.id ?? '');
      const end = await ending;
      publishStart(end.result);
      return end;
    },
    async moveToDelayed(...args) {
      const next = await moveToDelayed(...args);
      publish('delayed', args[0]);
      publishStart(next);
      return next;
    },
    async moveToWaitingChildren(...args) {
      const isWaiting = await moveToWaitingChildren(...args);
      if (isWaiting) publish('waiting', args[0]);
      return isWaiting;
    },
    async moveJobFromActiveToWait(...args) {
      const limitMs = await moveJobFromActiveToWait(...args);
      publish('waiting', args[0]);
      return limitMs;
    },
    async retryJob(...args) {
      await retryJob(...args);
      publish('waiting', args[0]);
    },
    async moveStalledJobsToWait() {
      const ids = await moveStalledJobsToWait();
      for (const id of ids) publish('stalled', id);
      return ids;
    },
    async updateProgress(...args) {
      await updateProgress(...args);
      publish('progress', args[0], JSON.stringify(args[1]));
    },
  } satisfies Partial<RedisQueueBackend>);
}
