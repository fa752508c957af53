import { createHash, createSecretKey } from 'node:crypto';
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { type Principal, invalidToken, SCOPES } from '../core/access/caller.ts';
import { ServiceError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { JwtConfig } from './auth-settings.ts';

/** A token names its algorithm itself, and is believed only if it is one that goes with the kind of key. */
const ALGORITHMS = { secret: ['HS256'], jwks: ['RS256', 'PS256', 'ES256', 'EdDSA'] };
/** Clocks differ by so many seconds. */
const CLOCK_TOLERANCE_SECONDS = 5;
/** With what else a request takes, its caller has an answer within 2 s. */
const FETCH_MS = 1500;
/** A key that is not known may be new: the keys are asked for again, but not more often, in milliseconds. */
const COOLDOWN_MS = 5000;
/** A key that was withdrawn is believed no longer, in milliseconds. */
const CACHE_MS = 600_000;
/** Where the keys could not be had, the next try is so many milliseconds later. */
const PAUSE_MS = 1000;

const MAX_SUBJECT_LENGTH = 128;
const PLAIN_SUBJECT = /^[\x21-\x7e]+$/;

const claimsSchema = z.object({
  sub: z
    .string()
    .min(1)
    .refine((sub) => sub.isWellFormed()),
  scope: z.string().catch(''),
  scp: z.union([z.string(), z.array(z.string())]).catch(''),
});

/**
 * Says whose a JWT is (RFC 7519).
 * @throws ServiceError `unauthenticated`; `service-unavailable`, when the keys that it would be checked with can't be had
 */
export type VerifyJwt = (token: string) => Promise<Principal>;

export function createJwtVerifier({ issuer, audience, keys }: JwtConfig, logger: Logger): VerifyJwt {
  const key = keys.kind === 'secret' ? createSecretKey(Buffer.from(keys.secret)) : createRemoteKeys(keys.url, logger);
  const options = {
    issuer,
    audience,
    algorithms: ALGORITHMS[keys.kind],
    requiredClaims: ['exp', 'sub'],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
  };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, key, options);
      return toPrincipal(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw invalidToken('The token has expired.', error);
      if (error instanceof errors.JWTClaimValidationFailed)
        throw invalidToken(`The token is not valid by its claim ${claimName(error.claim)}.`, error);
      if (error instanceof errors.JOSEError) throw invalidToken('The token is not valid.', error);
      if (error instanceof ServiceError) throw error;
      // A key of the set that no token can be checked with.
      throw unavailable(error);
    }
  };
}

/** Keys that are read from a URL when they are needed. */
function createRemoteKeys(url: URL, logger: Logger): JWTVerifyGetKey {
  let failedAt = -Infinity;
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: CACHE_MS,
    // A server that is down is not asked for each token.
    [customFetch]: async (...request) => {
      if (performance.now() < failedAt + PAUSE_MS) throw new Error('the keys could not be read a moment ago');
      return fetch(...request);
    },
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      if (performance.now() >= failedAt + PAUSE_MS) {
        failedAt = performance.now();
        logger.warn({ err: error }, 'the keys of JWT_JWKS_URL could not be read');
      }
      throw unavailable(error);
    }
  };
}

function unavailable(cause: unknown): ServiceError {
  return new ServiceError('service-unavailable', 'The keys that tokens are checked with cannot be read; try again.', {
    retryAfter: 1,
    cause,
  });
}

function toPrincipal(payload: unknown): Principal {
  const { data: claims } = claimsSchema.safeParse(payload);
  if (claims === undefined) throw invalidToken('The token is not valid by its claim sub.');
  const named = new Set([claims.scope, claims.scp].flat().flatMap((text) => text.split(' ')));
  return {
    kind: 'principal',
    id: toCallerId(claims.sub),
    scopes: new Set(SCOPES.filter((scope) => named.has(scope))),
  };
}

/** One id for each subject; those that are long, or have more than printable ASCII, are hashed. */
function toCallerId(subject: string): string {
  if (subject.length <= MAX_SUBJECT_LENGTH && PLAIN_SUBJECT.test(subject)) return `jwt:${subject}`;
  return `jwt-sha256:${createHash('sha256').update(subject).digest('base64url')}`;
}

/** Ours to name in a header: a claim that was asked for. */
function claimName(claim: string): string {
  return ['iss', 'aud', 'exp', 'nbf', 'sub'].find((name) => name === claim) ?? 'set';
}
