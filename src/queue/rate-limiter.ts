import { LRUCache } from 'lru-cache';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { withDeadline } from '../core/deadline.ts';
import type { Logger, RateLimit, RateLimiter } from '../core/ports.ts';
import type { QueueBackend, RequestCounter } from './backend.ts';

const KEY_PREFIX = 'accepted:requests';
/** The longest wait for a count, in milliseconds. What the request asks of the queue has its own deadline. */
const COUNT_MS = 250;
/** How long the store is left alone after it did not answer, in milliseconds. */
const PAUSE_MS = 1000;
/** Counts that a process keeps, some 20 MB. Whoever can send from more addresses than that gets a new count now and then. */
const MAX_KEYS = 100_000;

/** The requests of one key in its present period. */
interface Count {
  readonly consumed: number;
  /** In milliseconds of `performance.now()`. */
  readonly endsAt: number;
}

/** Counts the requests of all processes in the store, and those of this process alone while the store is unavailable. */
export function createRateLimiter(
  backend: Pick<QueueBackend, 'createRequestCounter'>,
  limit: RateLimit,
  logger: Logger,
  countMs = COUNT_MS,
): RateLimiter {
  const { requests, seconds } = limit;
  const own = new LRUCache<string, Count>({ max: MAX_KEYS });
  /** Keys over their limit are refused without asking the store. */
  const refused = new LRUCache<string, Count>({ max: MAX_KEYS });
  const shared = backend.createRequestCounter({ points: requests, duration: seconds, keyPrefix: KEY_PREFIX });
  let pausedUntil = -Infinity;

  function countOwn(key: string): Count {
    const known = current(own.get(key));
    const now = { consumed: (known?.consumed ?? 0) + 1, endsAt: known?.endsAt ?? performance.now() + seconds * 1000 };
    own.set(key, now);
    return now;
  }

  async function count(key: string): Promise<Count> {
    if (shared === undefined || performance.now() < pausedUntil) return countOwn(key);
    try {
      const { consumedPoints, msBeforeNext } = await withDeadline(consume(shared, key), countMs);
      return { consumed: consumedPoints, endsAt: performance.now() + msBeforeNext };
    } catch (error) {
      pausedUntil = performance.now() + PAUSE_MS;
      logger.debug({ err: error }, 'counting the requests of this process alone');
      return countOwn(key);
    }
  }

  return {
    limit,
    async take(key) {
      const known = current(refused.get(key));
      const { consumed, endsAt } = known ?? (await count(key));
      const allowed = consumed <= requests;
      if (!allowed && known === undefined) refused.set(key, { consumed, endsAt });
      const resetSeconds = Math.max(1, Math.ceil((endsAt - performance.now()) / 1000));
      return { allowed, remaining: Math.max(0, requests - consumed), resetSeconds };
    },
  };
}

function current(count: Count | undefined): Count | undefined {
  return count !== undefined && count.endsAt > performance.now() ? count : undefined;
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
