import type { JobEvent } from '../ports.ts';

/** A reader who is further behind is told to read the job again instead. */
const MAX_EVENTS = 256;

/** What happened to a job and was not yet read of: bounded, however slow the reader is. */
export interface JobInbox {
  push(event: JobEvent): void;
  /** The next event, or undefined after `ms` milliseconds without one, or when the signal is aborted. */
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
