const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** Timers count in 31 bits, and go off at once for more: three weeks and a half. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Decides how long to go on after failures, and how long to wait between two tries. */
export interface Patience {
  /** Forgets the failures so far: there has been a success. */
  reset(): void;
  /**
   * Waits before the next try: each time twice as long, from 0.5 s to 10 s, less a random part of up to a half, so that
   * clients which lost the same server do not come back all at once.
   * @param atLeastSeconds what the server asked for; up to half a second is added
   * @throws `error`, when tries have failed for too long or would have; the signal's reason, when it is aborted
   */
  wait(error: unknown, atLeastSeconds?: number): Promise<void>;
}

export interface PatienceOptions {
  /** Seconds from the first failure on in which another try may begin. */
  readonly retryForSeconds: number;
  readonly signal: AbortSignal | undefined;
}

export function createPatience({ retryForSeconds, signal }: PatienceOptions): Patience {
  let failures = 0;
  let firstFailure = 0;
  return {
    reset() {
      failures = 0;
    },
    async wait(error, atLeastSeconds = 0) {
      if (failures === 0) firstFailure = Date.now();
      const backoff = Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS) * (1 - Math.random() / 2);
      const delay = Math.max(backoff, atLeastSeconds * 1000 + Math.random() * FIRST_DELAY_MS);
      if (Date.now() + delay > firstFailure + retryForSeconds * 1000) throw error;
      failures += 1;
      await sleep(delay, signal);
    },
  };
}

/**
 * Seconds that a reply asks to wait (RFC 9110, section 10.2.3): a number of them, or a date.
 * @returns undefined where it does not say; 0 for a date that is over
 */
export function parseRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('Retry-After')?.trim() ?? '';
  if (/^\d+$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** Rejects with the signal's reason as soon as it is aborted. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(ms, MAX_TIMER_MS));
  const onAbort = (): void => resolve();
  signal?.addEventListener('abort', onAbort, { once: true });
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);
  signal?.throwIfAborted();
}
