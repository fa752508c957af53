import type { Metrics } from '../core/metrics.ts';
import type { BackendQueue, QueueBackend } from './backend.ts';
import { isUnanswered } from './circuit.ts';
import { statusOf } from './job-record.ts';

/** The round trips of the queue. BullMQ's workers make theirs by themselves. */
const MEASURED = [
  'readRecords',
  'readData',
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

/** Reports each round trip, by the name of the method, and each job that a cancellation ends. */
export function measureBackend(backend: QueueBackend, metrics: Metrics): QueueBackend {
  const timed = <Args extends unknown[], T>(
    name: string,
    call: (...args: Args) => Promise<T>,
  ): ((...args: Args) => Promise<T>) => {
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
  const cancel = timed('cancel', backend.cancel);
  const timedQueue = (queue: BackendQueue): BackendQueue => ({
    ...queue,
    add: timed('add', queue.add),
    addOnce: timed('addOnce', queue.addOnce),
  });
  return {
    ...backend,
    // Each has the type of the method that it calls, which the entries of an object do not keep.
    ...(Object.fromEntries(
      MEASURED.map((name) => [name, timed(name, backend[name] as (...args: unknown[]) => Promise<unknown>)]),
    ) as Pick<QueueBackend, (typeof MEASURED)[number]>),
    async cancel(type, id, options) {
      const record = await cancel(type, id, options);
      if (record !== undefined && statusOf(record) === 'Canceled') metrics.jobEnded(type, 'Canceled', 'JOB_CANCELED');
      return record;
    },
    createQueue: (type) => timedQueue(backend.createQueue(type)),
  };
}
