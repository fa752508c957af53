import { isIPv4 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ANONYMOUS, type Caller } from '../core/access/caller.ts';
import { ServiceError } from '../core/errors.ts';
import type { RateLimiter } from '../core/ports.ts';

/**
 * Limits the requests of each caller, and reports on every reply how many are left (draft-ietf-httpapi-ratelimit-headers-10).
 * @param keyOf identifies the caller of a request
 */
export function addRateLimit(
  app: FastifyInstance,
  limiter: RateLimiter | undefined,
  keyOf: (request: FastifyRequest) => string,
): void {
  if (limiter === undefined) return;
  const { requests, seconds } = limiter.limit;
  app.addHook('onRequest', async (request, reply) => {
    const { allowed, remaining, resetSeconds } = await limiter.take(keyOf(request));
    reply
      .header('RateLimit-Policy', `"default";q=${requests};w=${seconds}`)
      .header('RateLimit', `"default";r=${remaining};t=${resetSeconds}`);
    if (allowed) return;
    throw new ServiceError('rate-limited', rateLimited(limiter.limit), {
      retryAfter: resetSeconds,
    });
  });
}

/** The `detail` of a refusal. */
export function rateLimited({ requests, seconds }: RateLimiter['limit']): string {
  return `The limit is ${requests} requests in ${seconds} s. Try again later.`;
}

/** Anonymous callers are identified by their address. */
export function rateLimitKey(caller: Caller, ip: string): string {
  if (caller.kind === 'job-key') return `job:${caller.jobId}`;
  return caller.id === ANONYMOUS.id ? `ip:${networkOf(ip)}` : `caller:${caller.id}`;
}

/** An IPv4 address, or the first 64 bits of an IPv6 address, as one client may have all of the rest. */
function networkOf(ip: string): string {
  const embedded = ip.slice(ip.lastIndexOf(':') + 1);
  if (isIPv4(embedded)) return embedded;
  const [head = '', tail] = ip.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + after < 8) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}
