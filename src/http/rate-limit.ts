import { isIPv4, isIPv6 } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { ANONYMOUS } from '../core/access/caller.ts';
import { ServiceError } from '../core/errors.ts';
import type { RateLimiter } from '../core/ports.ts';
import { addressOf } from './host.ts';

/** Jobs whose owners are remembered. An owner never changes. */
const MAX_JOBS = 10_000;

/** Limits the requests of each caller. */
export interface RateLimits {
  /** Counts the requests to these routes, but for OPTIONS: a browser sends it before a request, and without the caller's credential. */
  add(app: FastifyInstance): void;
  /**
   * Counts a request, or further work of the same request, against its caller, or against its address if it has no caller.
   * @throws ServiceError `rate-limited`
   */
  count(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

/**
 * Reports on every reply how many requests are left (draft-ietf-httpapi-ratelimit-headers-10).
 * @param ownerOf the id of the caller that submitted a job; undefined if there is no such job
 */
export function createRateLimits(
  limiter: RateLimiter,
  ownerOf: (jobId: string) => Promise<string | undefined>,
): RateLimits {
  const owners = new LRUCache<string, string>({ max: MAX_JOBS });
  const { requests, seconds } = limiter.limit;

  /** Holders of a job's access token share the limit of its caller, who could make itself any number of tokens. */
  async function callerIdOf({ caller }: FastifyRequest): Promise<string | undefined> {
    if (caller === null) return undefined;
    if (caller.kind === 'principal') return caller.id;
    const known = owners.get(caller.jobId);
    if (known !== undefined) return known;
    // Without the store the request is refused anyway.
    const owner = await ownerOf(caller.jobId).catch(() => undefined);
    if (owner !== undefined) owners.set(caller.jobId, owner);
    return owner;
  }

  async function count(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const key = rateLimitKey(await callerIdOf(request), addressOf(request));
    const { allowed, remaining, resetSeconds } = await limiter.take(key);
    reply
      .header('RateLimit-Policy', `"default";q=${requests};w=${seconds}`)
      .header('RateLimit', `"default";r=${remaining};t=${resetSeconds}`);
    if (!allowed) throw new ServiceError('rate-limited', rateLimited(limiter.limit), { retryAfter: resetSeconds });
  }

  return {
    add(app) {
      app.addHook('onRequest', async (request, reply) => {
        if (request.method !== 'OPTIONS') await count(request, reply);
      });
    },
    count,
  };
}

/** The `detail` of a refusal. */
export function rateLimited({ requests, seconds }: RateLimiter['limit']): string {
  return `The limit is ${requests} requests in ${seconds} s. Try again later.`;
}

/** Callers without a credential, and requests with a wrong one, are identified by their address. */
export function rateLimitKey(callerId: string | undefined, address: string): string {
  return callerId === undefined || callerId === ANONYMOUS.id ? `ip:${networkOf(address)}` : `caller:${callerId}`;
}

/** An IPv4 address, or the first 64 bits of an IPv6 address, as one client may have all of the rest. */
function networkOf(address: string): string {
  const embedded = address.slice(address.lastIndexOf(':') + 1);
  if (isIPv4(embedded)) return embedded;
  const [head = '', tail] = spelled(address).split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + after < 8) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}

/** The one spelling of an IPv6 address (RFC 5952), without its zone. */
function spelled(address: string): string {
  const bare = address.replace(/%.*/s, '');
  return isIPv6(bare) ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare;
}
