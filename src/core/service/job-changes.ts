/** Following all jobs that match a filter. */
import { isQueueUnavailable } from '../errors.ts';
import { typeOfJobId } from '../job-id.ts';
import { type Job, hasTag } from '../job.ts';
import type { AnyChange, JobEvents } from '../ports.ts';
import type { JobFilter } from './job-filter.ts';

/** Between two reads of one job, in milliseconds: at most 4 of its states a second are shown. */
const READ_MS = 250;
/** Jobs that one subscription reads at a time. */
const MAX_READ = 200;
/** Changed jobs that wait to be read. Beyond that their reader has fallen too far behind. */
const MAX_PENDING = 5000;
/** Jobs that are known to be on no list of the reader. A forgotten one is shown once more. */
const MAX_OUTSIDE = 2000;

export interface FollowedJobs {
  readonly filter: JobFilter;
  readonly events: JobEvents;
  /** Resolves to undefined for a job that the reader may not see. */
  read(id: string): Promise<Job | undefined>;
}

/**
 * Yields a job's state after each change of it; states that follow each other quickly are left out, never the last one. It shows a job that
 * no longer has one of the filter's statuses once, for those who have it on their list. Returns when the signal is aborted, when changes
 * may have been missed, and when the reader has fallen too far behind.
 * @returns when changes arrive: what happens from then on is shown
 * @throws ServiceError `queue-unavailable`
 */
export async function watchJobs(
  { filter, events, read }: FollowedJobs,
  signal: AbortSignal,
): Promise<AsyncGenerator<Job, void, void>> {
  const inbox = createChangeInbox(filter.type);
  const unsubscribe = await events.subscribeAll(inbox.push);
  // A reader that is gone before the first state never begins to read.
  signal.addEventListener('abort', unsubscribe, { once: true });
  const isShown = createStatusFilter(filter.statuses);

  async function* states(): AsyncGenerator<Job, void, void> {
    try {
      while (await inbox.next(signal)) {
        // All subscriptions of a process read in the same turn, and so together.
        await nextRead();
        const changed = inbox.take();
        const jobs = await readAll(changed, read);
        if (jobs === undefined) {
          inbox.putBack(changed);
          continue;
        }
        for (const job of jobs) {
          if (signal.aborted) return;
          if (matches(job, filter) && isShown(job)) yield job;
        }
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', unsubscribe);
    }
  }
  return states();
}

let reading: Promise<void> | undefined;

/** One promise for all subscriptions of this process. */
function nextRead(): Promise<void> {
  reading ??= new Promise((resolve) => {
    setTimeout(() => {
      reading = undefined;
      resolve();
    }, READ_MS);
  });
  return reading;
}

/** @returns undefined while the queue is unavailable */
async function readAll(ids: readonly string[], read: FollowedJobs['read']): Promise<Job[] | undefined> {
  try {
    return (await Promise.all(ids.map(read))).filter((job) => job !== undefined);
  } catch (error) {
    if (isQueueUnavailable(error)) return undefined;
    throw error;
  }
}

function matches(job: Job, filter: JobFilter): boolean {
  const { caller, createdAt } = job;
  if (!hasTag(job, filter.tag) || (filter.caller !== undefined && caller !== filter.caller)) return false;
  if (filter.createdAfter !== undefined && createdAt < filter.createdAfter) return false;
  return filter.createdBefore === undefined || createdAt < filter.createdBefore;
}

/** Whether to show a job: while it has one of these statuses, and once when it has left them, or may have. */
function createStatusFilter(statuses: JobFilter['statuses']): (job: Job) => boolean {
  if (statuses === undefined) return () => true;
  const outside = new Set<string>();
  return (job) => {
    const { id, status } = job;
    const wasOutside = outside.delete(id);
    if (statuses.includes(status)) return true;
    outside.add(id);
    for (const oldest of outside) {
      if (outside.size <= MAX_OUTSIDE) break;
      outside.delete(oldest);
    }
    return !wasOutside && !isUntouched(job);
  };
}

/** Whether a job waits since it was added, so that it never had another status. */
function isUntouched({ status, attempt, createdAt, lastUpdatedAt }: Job): boolean {
  return status === 'Pending' && attempt === 0 && +lastUpdatedAt === +createdAt;
}

/** The jobs that have changed and were not read since. */
function createChangeInbox(type: string | undefined) {
  const pending = new Set<string>();
  let isLost = false;
  let wake: (() => void) | undefined;
  const add = (id: string): void => {
    pending.add(id);
    if (pending.size > MAX_PENDING) isLost = true;
  };
  return {
    push(change: AnyChange): void {
      if (isLost) return;
      if (change.kind === 'lost') isLost = true;
      else {
        const ofType = typeOfJobId(change.id);
        // Jobs that BullMQ's tools add have other ids.
        if (ofType === undefined || (type !== undefined && ofType !== type)) return;
        add(change.id);
      }
      if (isLost) pending.clear();
      wake?.();
    },
    /** Resolves to whether there is something to read; false when changes were lost or the signal is aborted. */
    async next(signal: AbortSignal): Promise<boolean> {
      if (pending.size === 0 && !isLost && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const wakeUp = (): void => resolve();
        wake = wakeUp;
        signal.addEventListener('abort', wakeUp);
        await promise;
        signal.removeEventListener('abort', wakeUp);
      }
      return !isLost && !signal.aborted;
    },
    take(): string[] {
      const taken = [...pending.values().take(MAX_READ)];
      for (const id of taken) pending.delete(id);
      return taken;
    },
    putBack(ids: readonly string[]): void {
      for (const id of ids) add(id);
    },
  };
}
