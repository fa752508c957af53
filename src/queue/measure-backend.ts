import type { IQueueBackend } from 'bullmq';
import { JOB_EXPIRED } from '../core/job.ts';
import { typeOfJobId } from '../core/job-id.ts';
import type { Metrics } from '../core/metrics.ts';
import type { BackendQueue, QueueBackend } from './backend.ts';
import { isUnanswered } from './circuit.ts';
import { statusOf } from './job-record.ts';

/** The round trips of the queue. */
const MEASURED = [
  'readRecords',
  'readSome',
  'countTagged',
  'readData',
  'readOutput',
  'storeOutput',
  'list',
  'readMarked',
  'retry',
  'removeFinished',
  'countJobs',
  'readPace',
  'readDepth',
  'readCallerDepth',
  'readLoads',
  'ping',
  'tryWrite',
] as const satisfies readonly (keyof QueueBackend)[];

/** The steps of BullMQ's workers, each one round trip. `waitForJob` is left out, because it waits until there is a job. */
const STEPS = [
  'moveToActive',
  'moveToCompleted',
  'moveToFailed',
  'moveToDelayed',
  'moveJobFromActiveToWait',
  'moveStalledJobsToWait',
  'retryJob',
  'extendLocks',
  'updateProgress',
] as const satisfies readonly (keyof IQueueBackend)[];

type Call<Args extends unknown[], T> = (...args: Args) => Promise<T>;

/** Reports each round trip, by the name of the method, and each job that a cancellation ends. */
export function measureBackend(backend: QueueBackend, metrics: Metrics): QueueBackend {
  const timed = <Args extends unknown[], T>(name: string, call: Call<Args, T>): Call<Args, T> => {
    return (...args) => {
      const start = performance.now();
      const report = (failure?: 'unavailable' | 'error'): void =>
        metrics.storeAnswered(name, (performance.now() - start) / 1000, failure);
      const answer = call(...args);
      // Beside the caller, who does not wait for it.
      answer.then(
        () => report(),
        (error: unknown) => report(isUnanswered(error) ? 'unavailable' : 'error'),
      );
      return answer;
    };
  };
  /** Each has the type of the method that it calls, which the entries of an object do not keep. */
  const timedMethods = <Of extends object, Name extends keyof Of & string>(of: Of, names: readonly Name[]) =>
    Object.fromEntries(
      names.map((name) => [name, timed(name, (of[name] as Call<unknown[], unknown>).bind(of))]),
    ) as Pick<Of, Name>;
  const cancel = timed('cancel', backend.cancel);
  const timedQueue = (queue: BackendQueue): BackendQueue => ({
    ...queue,
    add: timed('add', queue.add),
    addOnce: timed('addOnce', queue.addOnce),
    addBatch: timed('addBatch', queue.addBatch),
  });
  return {
    ...backend,
    ...timedMethods(backend, MEASURED),
    async cancel(type, id, options) {
      const record = await cancel(type, id, options);
      if (record !== undefined && statusOf(record) === 'Canceled') metrics.jobEnded(type, 'Canceled', 'JOB_CANCELED');
      return record;
    },
    async expire(types) {
      const ids = await backend.expire(types);
      for (const id of ids) metrics.jobEnded(typeOfJobId(id) ?? '', 'Canceled', JOB_EXPIRED.code);
      return ids;
    },
    async begin(type, id, token) {
      const mayBegin = await backend.begin(type, id, token);
      if (!mayBegin) metrics.jobEnded(type, 'Canceled', JOB_EXPIRED.code);
      return mayBegin;
    },
    createQueue: (type) => timedQueue(backend.createQueue(type)),
    createWorker: (type, processor, options) =>
      backend.createWorker(type, processor, {
        ...options,
        measure: (given) => {
          const steps = options.measure?.(given) ?? given;
          return Object.assign(steps, timedMethods<IQueueBackend, (typeof STEPS)[number]>(steps, STEPS));
        },
      }),
  };
}
