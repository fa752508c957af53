import { isIPv4 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ANONYMOUS, type Caller } from '../core/access/caller.ts';
import { ServiceError } from '../core/errors.ts';
import type { RateLimiter } from '../core/ports.ts';

/**
 * Limits the requests of each caller, and tells it on every reply what is left (draft-ietf-httpapi-ratelimit-headers-10).
 * @param keyOf what one caller's requests have in common, and no other's
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
    throw new ServiceError('rate-limited', `No more than ${requests} requests in ${seconds} s; try again later.`, {
      retryAfter: resetSeconds,
    });
  });
}

/** Who has not said who it is is known by its address. */
export function rateLimitKey(caller: Caller, ip: string): string {
  if (caller.kind === 'job-key') return `job:${caller.jobId}`;
  return caller.id === ANONYMOUS.id ? `ip:${networkOf(ip)}` : `caller:${caller.id}`;
}

/** An IPv4 address, or the 64 bits of an IPv6 address that one client may choose all others of. */
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
