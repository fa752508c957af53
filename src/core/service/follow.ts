import { isQueueAway, jobNotFound } from '../errors.ts';
import { type Job, isDone } from '../job.ts';
import { createJobInbox } from './job-inbox.ts';
import { progressed, stepsUpTo } from './job-steps.ts';
import type { JobEvent, JobEvents } from '../ports.ts';

/** A job that nothing is heard of for so long is read again: an event may be lost with a connection to the store. */
const SILENCE_MS = 5000;
/** Each time it takes twice as long, up to this: thousands may watch jobs that wait. */
const MAX_SILENCE_MS = 40_000;

/** One job to follow. */
export interface FollowedJob {
  readonly id: string;
  readonly events: JobEvents;
  read(): Promise<Job | undefined>;
  /** Whether a read would find the job that an event brings. */
  isVisible(job: Job): boolean;
}

/** Listens for a job's end until it is closed. */
export interface JobWait {
  /**
   * Resolves to the job when it is done, or as it is after `ms` milliseconds, or when the signal is aborted.
   * @param known the job as it was after this began to listen; undefined: it is read
   */
  until(ms: number, signal: AbortSignal, known?: Job): Promise<Job | undefined>;
  close(): void;
}

/** It listens before the job is read, so that no end falls between the two. */
export function listenForEnd(followed: FollowedJob): JobWait {
  const { id, events, read } = followed;
  const inbox = createJobInbox();
  const unsubscribe = events.subscribe(id, (event) => {
    if (event.kind === 'finished' || event.kind === 'lost') inbox.push(event);
  });
  return {
    async until(ms, signal, known) {
      const deadline = performance.now() + ms;
      let job = known ?? (await read());
      for (;;) {
        const remaining = deadline - performance.now();
        if (job === undefined || isDone(job) || remaining <= 0 || signal.aborted) return job;
        const event = await inbox.next(Math.min(remaining, SILENCE_MS), signal);
        job = succeeded(event, followed) ?? (await read());
      }
    },
    close: unsubscribe,
  };
}

/** The job that the event of its end brings. */
function succeeded(event: JobEvent | undefined, { isVisible }: FollowedJob): Job | undefined {
  return event?.kind === 'finished' && event.job !== undefined && isVisible(event.job) ? event.job : undefined;
}

/** Reads the job, unless the event of its end brings it earlier. */
async function readOrHear(followed: FollowedJob): Promise<Job | undefined> {
  const { promise: ended, resolve } = Promise.withResolvers<Job>();
  const unsubscribe = followed.events.subscribe(followed.id, (event) => {
    const job = succeeded(event, followed);
    if (job !== undefined) resolve(job);
  });
  try {
    return await Promise.race([followed.read(), ended]);
  } finally {
    unsubscribe();
  }
}

async function readUnlessAway({ read }: FollowedJob): Promise<Job | undefined | 'away'> {
  try {
    return await read();
  } catch (error) {
    if (isQueueAway(error)) return 'away';
    throw error;
  }
}

/**
 * The job as it is, then each change in order, and the end. A reader who is slow misses changes, never the end.
 * Ends without it when the signal is aborted, and when the job is removed; not when the queue is away for a while.
 * @throws ServiceError `not-found`, for a job that there is not at first
 */
export async function* watchJob(followed: FollowedJob, signal: AbortSignal): AsyncGenerator<Job, void, void> {
  const { id, events } = followed;
  const inbox = createJobInbox();
  const unsubscribe = events.subscribe(id, inbox.push);
  try {
    let last = await readOrHear(followed);
    if (last === undefined) throw jobNotFound();
    yield last;
    let silenceMs = SILENCE_MS;
    while (!isDone(last)) {
      const event = await inbox.next(silenceMs, signal);
      silenceMs = event === undefined ? Math.min(2 * silenceMs, MAX_SILENCE_MS) : SILENCE_MS;
      if (signal.aborted) return;
      // It was read since.
      if (event?.kind === 'started' && last.status === 'Running') continue;
      if (event?.kind === 'progress' && (last.status === 'Running' || event.at <= last.lastUpdatedAt)) {
        for (const step of progressed(last, event)) yield (last = step);
        continue;
      }
      // An end without success that is heard of may be the one before a retry.
      const now: Job | undefined | 'away' = succeeded(event, followed) ?? (await readUnlessAway(followed));
      if (now === undefined) return;
      // What is watched goes on meanwhile, and so does who watches.
      if (now === 'away') silenceMs = SILENCE_MS;
      else for (const step of stepsUpTo(event, last, now)) yield (last = step);
    }
  } finally {
    unsubscribe();
  }
}
