import { type Job, type JobAttempt, isDone } from '../job.ts';
import type { JobEvent } from '../ports.ts';

/**
 * What a job went through since it was seen last, as far as an event tells of it: by the history that a later read has, and by
 * the event's own news. What the read knows beyond the event is left to the events that are still under way.
 * @param event undefined: none came for long
 */
export function stepsUpTo(event: JobEvent | undefined, last: Job, now: Job): Job[] {
  const steps = stepsBetween(last, now);
  switch (event?.kind) {
    case 'started':
      return steps.slice(0, steps.findIndex(({ status }) => status === 'Running') + 1);
    case 'waiting':
      if (steps[0]?.status === 'Pending') return steps.slice(0, 1);
      // Its worker gave it back, or was lost.
      return last.status === 'Running' && now.status === 'Pending' ? [now] : [];
    case 'progress':
    case 'finished':
    case 'lost':
    case undefined:
      return isSame(steps.at(-1) ?? last, now) ? steps : [...steps, now];
  }
}

/** The job as progress leaves it: nothing new, if it tells what is known. */
export function progressed(last: Job, { percentComplete, message, at }: JobEvent & { kind: 'progress' }): Job[] {
  if (last.status !== 'Running' || at < last.lastUpdatedAt) return [];
  if (at.getTime() === last.lastUpdatedAt.getTime() && percentComplete <= last.percentComplete) return [];
  return [{ ...last, percentComplete, message, lastUpdatedAt: at }];
}

/** The starts of attempts and the waits between them, but for the end. */
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
  return {
    ...sharedWith(current, now),
    status: 'Running',
    attempt,
    startedAt,
    lastUpdatedAt: later(current, startedAt),
  };
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
    a.status === b.status && a.attempt === b.attempt && isDone(a) === isDone(b) && +a.lastUpdatedAt === +b.lastUpdatedAt
  );
}
