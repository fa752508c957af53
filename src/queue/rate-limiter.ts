import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { withDeadline } from '../core/deadline.ts';
import type { Logger, RateLimit, RateLimiter } from '../core/ports.ts';
import type { CounterOptions, QueueBackend, RequestCounter } from './backend.ts';

const KEY_PREFIX = 'accepted:requests';
/** A request waits no longer for its count, in milliseconds: what it asks the queue has a deadline of its own. */
const DEADLINE_MS = 250;
/** For so long a store that did not answer is not asked again, in milliseconds. */
const PAUSE_MS = 1000;

/** Counts the requests of all processes in the store, and those of this process alone while the store is away. */
export function createRateLimiter(backend: QueueBackend, limit: RateLimit, logger: Logger): RateLimiter {
  const { requests, seconds } = limit;
  const options: CounterOptions = { points: requests, duration: seconds, keyPrefix: KEY_PREFIX };
  const own = new RateLimiterMemory(options);
  const shared = backend.createRequestCounter({
    ...options,
    // Who is over the limit is refused without a question to the store.
    inMemoryBlockOnConsumed: requests + 1,
  });
  let pausedUntil = -Infinity;

  async function count(key: string): Promise<RateLimiterRes> {
    if (shared !== undefined && performance.now() >= pausedUntil) {
      try {
        return await withDeadline(consume(shared, key), DEADLINE_MS);
      } catch (error) {
        pausedUntil = performance.now() + PAUSE_MS;
        logger.debug({ err: error }, 'requests are counted by this process alone');
      }
    }
    return consume(own, key);
  }

  return {
    limit,
    async take(key) {
      const { consumedPoints, remainingPoints, msBeforeNext } = await count(key);
      const resetSeconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
      // What the memory of those over the limit says has no count.
      const allowed = consumedPoints > 0 && consumedPoints <= requests;
      return { allowed, remaining: remainingPoints, resetSeconds };
    },
  };
}

/** The library rejects with the count of those who are over the limit. */
async function consume(counter: RequestCounter, key: string): Promise<RateLimiterRes> {
  try {
    return await counter.consume(key);
  } catch (error) {
    if (error instanceof RateLimiterRes) return error;
    throw error;
  }
}
