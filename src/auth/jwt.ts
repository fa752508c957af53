import { createHash, createSecretKey } from 'node:crypto';
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { type Principal, invalidToken, SCOPES } from '../core/access/caller.ts';
import { ServiceError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { JwtConfig } from './auth-settings.ts';

/** A token names its algorithm itself; only those that fit the kind of key are accepted. */
const ALGORITHMS = { secret: ['HS256'], jwks: ['RS256', 'PS256', 'ES256', 'EdDSA'] };
/** Tolerated difference of clocks. */
const CLOCK_TOLERANCE_SECONDS = 5;
/** Leaves room for the rest of a request to be answered within 2 s. */
const FETCH_MS = 1500;
/** An unknown key may be new, so the keys are fetched again, at most once in so many milliseconds. */
const COOLDOWN_MS = 5000;
/** A withdrawn key is refused after so many milliseconds at the latest. */
const CACHE_MS = 600_000;
/** Milliseconds between a failed fetch and the next. */
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
 * Verifies a JWT (RFC 7519).
 * @throws ServiceError `unauthenticated`; `service-unavailable` if the keys to verify it with cannot be fetched
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
      if (error instanceof errors.JWTExpired) throw invalidToken('The token has expired.', { cause: error });
      if (error instanceof errors.JWTClaimValidationFailed)
        throw invalidToken(`The token has an invalid claim: ${claimName(error.claim)}.`, { cause: error });
      if (error instanceof errors.JOSEError) throw invalidToken('The token is not valid.', { cause: error });
      if (error instanceof ServiceError) throw error;
      // The set has a key that cannot be used.
      throw unavailable(error);
    }
  };
}

/** Keys that are fetched from a URL when they are needed. */
function createRemoteKeys(url: URL, logger: Logger): JWTVerifyGetKey {
  let failedAt = -Infinity;
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: CACHE_MS,
    // A server that is down does not get a request for each token.
    [customFetch]: async (...request) => {
      if (performance.now() < failedAt + PAUSE_MS) throw new Error('the keys could not be fetched a moment ago');
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
        logger.warn({ err: error }, 'the keys of JWT_JWKS_URL could not be fetched');
      }
      throw unavailable(error);
    }
  };
}

function unavailable(cause: unknown): ServiceError {
  return new ServiceError('service-unavailable', 'The keys to verify tokens cannot be fetched. Try again later.', {
    retryAfter: 1,
    cause,
  });
}

function toPrincipal(payload: unknown): Principal {
  const { data: claims } = claimsSchema.safeParse(payload);
  if (claims === undefined) throw invalidToken('The token has an invalid claim: sub.');
  const named = new Set([claims.scope, claims.scp].flat().flatMap((text) => text.split(' ')));
  return {
    kind: 'principal',
    id: toCallerId(claims.sub),
    scopes: new Set(SCOPES.filter((scope) => named.has(scope))),
  };
}

/** The caller id of a subject; a long one, or one with more than printable ASCII, is hashed. */
function toCallerId(subject: string): string {
  if (subject.length <= MAX_SUBJECT_LENGTH && PLAIN_SUBJECT.test(subject)) return `jwt:${subject}`;
  return `jwt-sha256:${createHash('sha256').update(subject).digest('base64url')}`;
}

/** The claim's name, if it is one that is verified: other text must not reach a header. */
function claimName(claim: string): string {
  return ['iss', 'aud', 'exp', 'nbf', 'sub'].find((name) => name === claim) ?? 'unknown';
}
