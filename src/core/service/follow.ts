/** Following one job to its end: waiting for the end alone, or watching each change. */
import { isExpiredJob, isQueueUnavailable, jobNotFound } from '../errors.ts';
import { type Job, type JobAttempt, isCancelRequested, isDone } from '../job.ts';
import type { JobEvent, JobEvents } from '../ports.ts';

/** The longest wait for a job, in seconds: common proxies end a request without a reply after 60. */
export const MAX_WAIT_SECONDS = 50;

/** A job without events for this long is read again, because a lost connection to the store may have lost an event. */
export const SILENCE_MS = 5000;
/** The interval doubles up to this limit: thousands of clients may watch jobs that are still waiting. */
export const MAX_SILENCE_MS = 40_000;
/** Events kept for a slow reader; beyond that they are replaced by one `lost` event, which causes a read. */
const MAX_EVENTS = 256;

/** A job to follow. */
export interface FollowedJob {
  readonly id: string;
  readonly events: JobEvents;
  read(): Promise<Job | undefined>;
  /** Whether `read` would return the job that an event carries. */
  isVisible(job: Job): boolean;
}

/** A subscription to a job's end, active until it is closed. */
export interface JobWait {
  /**
   * Resolves to the finished job, or to its current state after `ms` milliseconds or when the signal is aborted.
   * @param known the job's state at a time when this subscription was already active; undefined: it is read
   */
  until(ms: number, signal: AbortSignal, known?: Job): Promise<Job | undefined>;
  close(): void;
}

/** Subscribes before the job is read, so that an end between the two is not missed. */
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
        // After an outage the events may be back before the reads are, which the next silence makes up for.
        const isBack = event?.kind === 'lost';
        const now: Job | undefined | 'unavailable' =
          finishedJob(event, followed) ?? (await (isBack ? tryRead(followed) : read()));
        if (now !== 'unavailable') job = now;
      }
    },
    close: unsubscribe,
  };
}

/**
 * Yields the job's current state, then each change in order, up to the final one. A slow reader may miss intermediate states,
 * but never the final one. Returns early when the signal is aborted or the job is removed; an unavailable queue is waited for.
 * @param onOutput called when there is output
 * @throws ServiceError `not-found`, when there is no such job at the start; what the first `read` throws
 */
export async function* watchJob(
  followed: FollowedJob,
  signal: AbortSignal,
  onOutput?: () => void,
): AsyncGenerator<Job, void, void> {
  const { id, events } = followed;
  const inbox = createJobInbox();
  const unsubscribe = events.subscribe(id, (event) => {
    if (event.kind === 'output') onOutput?.();
    else inbox.push(event);
  });
  try {
    let last = await readOrFinish(followed);
    if (last === undefined) throw jobNotFound();
    yield last;
    let silenceMs = SILENCE_MS;
    while (!isDone(last)) {
      const event = await inbox.next(silenceMs, signal);
      silenceMs = event === undefined ? Math.min(2 * silenceMs, MAX_SILENCE_MS) : SILENCE_MS;
      if (signal.aborted) return;
      // A read has shown this start already.
      if (event?.kind === 'started' && last.status === 'Running') continue;
      if (event?.kind === 'progress' && (last.status === 'Running' || event.at <= last.lastUpdatedAt)) {
        for (const step of progressed(last, event)) yield (last = step);
        continue;
      }
      // An event that reports a failure may be older than a retry, so only a success is taken from the event itself.
      const now: Job | undefined | 'unavailable' = finishedJob(event, followed) ?? (await tryRead(followed));
      if (now === undefined) return;
      if (now === 'unavailable') silenceMs = SILENCE_MS;
      else for (const step of stepsUpTo(event, last, now)) yield (last = step);
    }
  } finally {
    unsubscribe();
  }
}

/** The job that an event of its success carries, if the reader may see it. */
function finishedJob(event: JobEvent | undefined, { isVisible }: FollowedJob): Job | undefined {
  return event?.kind === 'finished' && event.job !== undefined && isVisible(event.job) ? event.job : undefined;
}

/** Reads the job, unless an event of its success arrives first. */
async function readOrFinish(followed: FollowedJob): Promise<Job | undefined> {
  const { promise: finished, resolve } = Promise.withResolvers<Job>();
  const unsubscribe = followed.events.subscribe(followed.id, (event) => {
    const job = finishedJob(event, followed);
    if (job !== undefined) resolve(job);
  });
  try {
    return await Promise.race([followed.read(), finished]);
  } finally {
    unsubscribe();
  }
}

/** @returns undefined for what has expired */
export async function tryRead<T>({ read }: { read(): Promise<T | undefined> }): Promise<T | undefined | 'unavailable'> {
  try {
    return await read();
  } catch (error) {
    if (isQueueUnavailable(error)) return 'unavailable';
    if (isExpiredJob(error)) return undefined;
    throw error;
  }
}

/** A bounded buffer of events between a subscription and its reader. */
export interface JobInbox {
  push(event: JobEvent): void;
  /** Resolves to the next event, or to undefined after `ms` milliseconds without one or when the signal is aborted. */
  next(ms: number, signal: AbortSignal): Promise<JobEvent | undefined>;
}

export function createJobInbox(): JobInbox {
  const events: JobEvent[] = [];
  let wake: (() => void) | undefined;
  return {
    push(event) {
      if (events.length === MAX_EVENTS) events.splice(0, MAX_EVENTS, { kind: 'lost' });
      else events.push(event);
      wake?.();
    },
    async next(ms, signal) {
      if (events.length === 0 && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const wakeUp = (): void => resolve();
        wake = wakeUp;
        const timer = setTimeout(wakeUp, ms);
        signal.addEventListener('abort', wakeUp);
        await promise;
        clearTimeout(timer);
        signal.removeEventListener('abort', wakeUp);
      }
      return events.shift();
    },
  };
}

/**
 * The states between the last one shown and the one just read, up to the change that the event reports. They are derived from
 * the job's history. Changes after the event's are left to later events.
 * @param event undefined: none arrived, and the job was read after a silence
 */
export function stepsUpTo(event: JobEvent | undefined, last: Job, now: Job): Job[] {
  const steps = stepsBetween(last, now);
  switch (event?.kind) {
    case 'started':
      return steps.slice(0, steps.findIndex(({ status }) => status === 'Running') + 1);
    case 'waiting':
      if (steps[0]?.status === 'Pending') return steps.slice(0, 1);
      // The worker handed the job back, or was lost: the history has no entry for that attempt.
      return last.status === 'Running' && now.status === 'Pending' ? [now] : [];
    case 'progress':
    case 'cancelRequested':
    case 'finished':
    case 'output':
    case 'lost':
    case undefined:
      return isSame(steps.at(-1) ?? last, now) ? steps : [...steps, now];
  }
}

/** The job after a progress event; empty when the event is not newer than the state already shown. */
export function progressed(last: Job, { percentComplete, message, at }: JobEvent & { kind: 'progress' }): Job[] {
  if (last.status !== 'Running' || at < last.lastUpdatedAt) return [];
  if (at.getTime() === last.lastUpdatedAt.getTime() && percentComplete <= last.percentComplete) return [];
  return [{ ...last, percentComplete, message, lastUpdatedAt: at }];
}

/** The starts of attempts and the waits between them, without the final state. */
function stepsBetween(last: Job, now: Job): Job[] {
  const steps: Job[] = [];
  let current = last;
  const take = (step: Job): void => void steps.push((current = step));
  for (let attempt = last.attempt; attempt <= now.attempt; attempt += 1) {
    const failed = now.history.find((each) => each.attempt === attempt);
    const startedAt = attempt === now.attempt ? now.startedAt : failed?.startedAt;
    if (attempt > current.attempt && startedAt) take(toRunning(current, now, attempt, startedAt));
    const hasNext = attempt < now.attempt || now.status === 'Pending';
    if (current.status === 'Running' && failed !== undefined && hasNext) take(toWaiting(current, now, failed));
  }
  return steps;
}

function toRunning(current: Job, now: Job, attempt: number, startedAt: Date): Job {
  const lastUpdatedAt = later(current, startedAt);
  return { ...sharedWith(current, now), status: 'Running', attempt, startedAt, lastUpdatedAt };
}

function toWaiting(current: Job, now: Job, { attempt, startedAt, finishedAt }: JobAttempt): Job {
  const history = now.history.filter((each) => each.attempt <= attempt);
  const lastUpdatedAt = later(current, finishedAt);
  return { ...sharedWith(current, now), status: 'Pending', attempt, startedAt, lastUpdatedAt, history };
}

function sharedWith({ id, type, caller, percentComplete, message, createdAt, history }: Job, { maxAttempts }: Job) {
  return { id, type, caller, percentComplete, message, createdAt, history, maxAttempts };
}

function later({ lastUpdatedAt }: Job, time: Date): Date {
  return time > lastUpdatedAt ? time : lastUpdatedAt;
}

function isSame(a: Job, b: Job): boolean {
  return (
    a.status === b.status &&
    a.attempt === b.attempt &&
    +a.lastUpdatedAt === +b.lastUpdatedAt &&
    isCancelRequested(a) === isCancelRequested(b)
  );
}
