import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { withDeadline } from '../core/deadline.ts';
import type { Logger, RateLimit, RateLimiter } from '../core/ports.ts';
import type { CounterOptions, QueueBackend, RequestCounter } from './backend.ts';

const KEY_PREFIX = 'accepted:requests';
/** The longest wait for a count, in milliseconds. What the request asks of the queue has its own deadline. */
const COUNT_MS = 250;
/** How long the store is left alone after it did not answer, in milliseconds. */
const PAUSE_MS = 1000;

/** Counts the requests of all processes in the store, and those of this process alone while the store is unavailable. */
export function createRateLimiter(
  backend: QueueBackend,
  limit: RateLimit,
  logger: Logger,
  countMs = COUNT_MS,
): RateLimiter {
  const { requests, seconds } = limit;
  const options: CounterOptions = { points: requests, duration: seconds, keyPrefix: KEY_PREFIX };
  const own = new RateLimiterMemory(options);
  const shared = backend.createRequestCounter({
    ...options,
    // A key that is over its limit is refused without asking the store.
    inMemoryBlockOnConsumed: requests + 1,
  });
  let pausedUntil = -Infinity;

  async function count(key: string): Promise<RateLimiterRes> {
    if (shared !== undefined && performance.now() >= pausedUntil) {
      try {
        return await withDeadline(consume(shared, key), countMs);
      } catch (error) {
        pausedUntil = performance.now() + PAUSE_MS;
        logger.debug({ err: error }, 'counting the requests of this process alone');
      }
    }
    return consume(own, key);
  }

  return {
    limit,
    async take(key) {
      const { consumedPoints, remainingPoints, msBeforeNext } = await count(key);
      const resetSeconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
      // The library's memory of blocked keys has no count.
      const allowed = consumedPoints > 0 && consumedPoints <= requests;
      return { allowed, remaining: remainingPoints, resetSeconds };
    },
  };
}

/** The library rejects with the count when a key is over its limit. */
async function consume(counter: RequestCounter, key: string): Promise<RateLimiterRes> {
  try {
    return await counter.consume(key);
  } catch (error) {
    if (error instanceof RateLimiterRes) return error;
    throw error;
  }
}
