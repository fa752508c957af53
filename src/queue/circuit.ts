import { setTimeout as delay } from 'node:timers/promises';
import { DeadlineError, withDeadline } from '../core/deadline.ts';
import type { Logger } from '../core/ports.ts';
import { isConnectionError } from '../stores/connection-error.ts';

/** A store that leaves a question for nothing unanswered for so long, in milliseconds, is away. */
const PROBE_MS = 500;
/** Milliseconds between two such questions while it is. */
const PROBE_EVERY_MS = 250;
/** Calls that may wait for the store at a time, so that what waits is bounded. */
const MAX_IN_FLIGHT = 2000;

/** The store does not answer, or has too many questions already: nothing was sent. */
class UnansweredError extends Error {
  override readonly name = 'UnansweredError';
}

export interface CircuitOptions {
  /** Asks the store for nothing. Settles some time, whatever happens. */
  ping(): Promise<void>;
  readonly logger: Logger;
}

/** Stands in front of a store: while that does not answer, calls fail at once and are not sent. */
export interface Circuit {
  /**
   * Gives a call `ms` milliseconds. What it does goes on unheard after that.
   * @param calls how many it stands for
   * @default 1
   */
  call<T>(work: () => Promise<T>, ms: number, calls?: number): Promise<T>;
  /** Takes a hint that the store may be away, and looks whether it is. */
  suspect(): void;
  close(): void;
}

/**
 * One call that fails or takes too long closes nothing: it has the store asked, and what that comes to counts for all. Logs once that
 * the store has gone, and once that it is back.
 */
export function createCircuit({ ping, logger }: CircuitOptions): Circuit {
  const closing = new AbortController();
  let inFlight = 0;
  let away = false;
  let probing = false;

  const setAway = (error: unknown): void => {
    if (away || closing.signal.aborted) return;
    away = true;
    logger.warn({ reason: reasonOf(error) }, 'the queue cannot be reached; trying on');
  };

  /** Ends when the store answers: its answer counts however late, and no other question is sent meanwhile. */
  async function waitForAnswer(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const answer = ping();
      try {
        await withDeadline(answer, PROBE_MS);
        return;
      } catch (error) {
        // A connection that was cut is made anew before long.
        if (tries > 1 || error instanceof DeadlineError) setAway(error);
      }
      const answered = await answer.then(
        () => true,
        () => false,
      );
      if (answered) return;
      await delay(PROBE_EVERY_MS, undefined, { signal: closing.signal, ref: false });
    }
  }

  async function probe(): Promise<void> {
    if (probing || closing.signal.aborted) return;
    probing = true;
    try {
      await waitForAnswer();
      if (away) logger.info({}, 'the queue can be reached again');
      away = false;
    } catch {
      // Closed meanwhile.
    } finally {
      probing = false;
    }
  }

  return {
    async call(work, ms, calls = 1) {
      if (away) throw new UnansweredError('the store does not answer');
      if (inFlight >= MAX_IN_FLIGHT) throw new UnansweredError(`${MAX_IN_FLIGHT} calls wait for the store already`);
      inFlight += calls;
      const answer = work().finally(() => (inFlight -= calls));
      try {
        return await withDeadline(answer, ms);
      } catch (error) {
        if (isUnanswered(error)) void probe();
        throw error;
      }
    },
    suspect: () => void probe(),
    close: () => closing.abort(),
  };
}

/** Whether a call failed because of the store, and not for what it asked. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof UnansweredError || error instanceof DeadlineError || isConnectionError(error);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return ('code' in error && typeof error.code === 'string' && error.code) || error.message || error.name;
}
