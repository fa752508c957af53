const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** The longest delay of a timer, about 25 days: a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Exponential backoff with a deadline. */
export interface Backoff {
  /** Forgets earlier failures after a success. */
  reset(): void;
  /**
   * Waits before the next attempt: 0.5 s after the first failure, then twice as long each time up to 10 s. A random part of up to half
   * is subtracted, so that clients that lost the same server do not return all at once.
   * @param atLeastSeconds the server's `Retry-After`; up to half a second is added to it
   * @throws `error` if the next attempt would start after `retryForSeconds`; the signal's reason if it is aborted
   */
  wait(error: unknown, atLeastSeconds?: number): Promise<void>;
}

export interface BackoffOptions {
  /** Seconds after the first failure within which another attempt may start. */
  readonly retryForSeconds: number;
  readonly signal: AbortSignal | undefined;
}

export function createBackoff({ retryForSeconds, signal }: BackoffOptions): Backoff {
  let failures = 0;
  let firstFailure = 0;
  return {
    reset() {
      failures = 0;
    },
    async wait(error, atLeastSeconds = 0) {
      if (failures === 0) firstFailure = Date.now();
      const ownDelay = Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS) * (1 - Math.random() / 2);
      const delay = Math.max(ownDelay, atLeastSeconds * 1000 + Math.random() * FIRST_DELAY_MS);
      if (Date.now() + delay > firstFailure + retryForSeconds * 1000) throw error;
      failures += 1;
      await sleep(delay, signal);
    },
  };
}

/**
 * Parses `Retry-After`, a number of seconds or a date (RFC 9110, section 10.2.3).
 * @returns seconds; 0 for a date in the past; undefined if the header is missing or invalid
 */
export function parseRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('Retry-After')?.trim() ?? '';
  if (/^\d+$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** Resolves after a delay, or rejects with the signal's reason as soon as it is aborted. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS));
    signal?.addEventListener('abort', end);
  });
  signal?.throwIfAborted();
}
