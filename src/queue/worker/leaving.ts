import type { IQueueBackend, Job } from 'bullmq';

/** The steps of BullMQ's worker after which it no longer has a job, which is or has the id of the first argument. */
const LEAVING = [
  'moveToCompleted',
  'moveToFailed',
  'moveToDelayed',
  'moveToWaitingChildren',
  'moveJobFromActiveToWait',
  'retryJob',
] as const satisfies readonly (keyof IQueueBackend)[];

type Step = (job: string | Pick<Job, 'id'>, ...args: unknown[]) => Promise<unknown>;

/** Calls the listener with the id of each job that has left the worker. */
export function whenLeft<Steps extends IQueueBackend>(steps: Steps, onLeft: (id: string) => void): Steps {
  for (const name of LEAVING) {
    // All of them have that shape, with arguments of their own.
    const step = (steps[name] as Step).bind(steps);
    const andTell: Step = async (job, ...args) => {
      const result = await step(job, ...args);
      onLeft(typeof job === 'string' ? job : (job.id ?? ''));
      return result;
    };
    Object.assign(steps, { [name]: andTell });
  }
  return steps;
}
