import { setTimeout as delay } from 'node:timers/promises';
import { DeadlineError, withDeadline } from '../core/deadline.ts';
import type { Outage } from '../core/metrics.ts';
import type { Logger } from '../core/ports.ts';
import { isConnectionError } from '../stores/connection-error.ts';

/** A store that does not answer a ping for so many milliseconds is unavailable. */
const PROBE_MS = 500;
/** Milliseconds between two pings while it is unavailable. */
const PROBE_EVERY_MS = 250;
/** The most calls that wait for the store at a time. */
const MAX_IN_FLIGHT = 2000;

/** SQLSTATEs of a store without disk or memory for a write, while smaller writes may succeed (PostgreSQL's manual, appendix A). */
const FULL = /^53[12]00$/;
/** Milliseconds between two lines of the log about it. */
const FULL_AGAIN_MS = 60_000;

/** The store is unavailable, or too many calls wait for it: nothing was sent. */
class UnansweredError extends Error {
  override readonly name = 'UnansweredError';
}

export interface CircuitOptions {
  /** Always settles in the end. */
  ping(): Promise<void>;
  /** Writes something: a store that is out of memory, disk or replicas answers everything else. Always settles in the end. */
  tryWrite?(): Promise<void>;
  readonly logger: Logger;
}

/** A circuit breaker in front of a store: while that is unavailable, calls fail at once and are not sent; while
 * it only reads, those that change something. */
export interface Circuit {
  /**
   * Rejects after `ms` milliseconds. The call itself continues, and its result is ignored.
   * @param calls how many calls of clients it answers
   * @default 1
   * @param writes whether it changes something
   */
  call<T>(work: () => Promise<T>, ms: number, calls?: number, writes?: boolean): Promise<T>;
  /** Checks whether the store is available. To be called after an error that suggests otherwise. */
  suspect(): void;
  outage(): Outage;
  close(): void;
}

/**
 * A call that fails or times out does not open the circuit: it starts pings, and their outcome decides. Logs once when the store becomes
 * unavailable, and once when it is available again.
 */
export function createCircuit({ ping, tryWrite = async () => undefined, logger }: CircuitOptions): Circuit {
  const closing = new AbortController();
  let inFlight = 0;
  let outage: Outage = 'none';
  let probing = false;
  let fullAt = -Infinity;

  /** While the store still takes the small write of a probe, there is no outage that the log would show. */
  const logFull = (error: unknown): void => {
    const isFull = error instanceof Error && 'code' in error && FULL.test(String(error.code));
    if (!isFull || performance.now() < fullAt + FULL_AGAIN_MS) return;
    fullAt = performance.now();
    logger.warn({ reason: error.message }, 'the queue has no room for a write');
  };

  const setOutage = (now: Outage, error: unknown): void => {
    if (closing.signal.aborted) return;
    if (outage === 'none') {
      logger.warn(
        { reason: reasonOf(error) },
        now === 'all' ? 'the queue is unavailable; retrying' : 'the queue takes no changes; retrying',
      );
    }
    outage = now;
  };

  /** Resolves when the store answers a ping, however late. The next ping is not sent before. */
  async function waitForAnswer(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      let answers = false;
      const answer = ping().then(() => {
        answers = true;
        return tryWrite();
      });
      try {
        await withDeadline(answer, PROBE_MS);
        return;
      } catch (error) {
        // The first error may come from a connection that is being replaced.
        if (tries > 1 || answers || error instanceof DeadlineError) setOutage(answers ? 'writes' : 'all', error);
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
      if (outage !== 'none') logger.info({}, 'the queue is available again');
      outage = 'none';
    } catch {
      // Closed meanwhile.
    } finally {
      probing = false;
    }
  }

  return {
    async call(work, ms, calls = 1, writes = false) {
      if (outage === 'all') throw new UnansweredError('the store does not answer');
      if (outage === 'writes' && writes) throw new UnansweredError('the store takes no changes');
      if (inFlight >= MAX_IN_FLIGHT) throw new UnansweredError(`${MAX_IN_FLIGHT} calls wait for the store already`);
      inFlight += calls;
      const answer = work().finally(() => (inFlight -= calls));
      try {
        return await withDeadline(answer, ms);
      } catch (error) {
        if (isUnanswered(error)) void probe();
        logFull(error);
        throw error;
      }
    },
    suspect: () => void probe(),
    outage: () => outage,
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
