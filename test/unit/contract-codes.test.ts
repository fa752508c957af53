import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../src/core/errors.ts';

/** The contract's table of codes. */
describe('a GraphQL code corresponds to a REST status and problem', () => {
  it.each([
    ['BAD_USER_INPUT', 400, 'invalid-input'],
    ['BAD_REQUEST', 400, 'malformed-request'],
    ['BAD_REQUEST', 405, 'method-not-allowed'],
    ['BAD_REQUEST', 408, 'request-timeout'],
    ['BAD_REQUEST', 431, 'header-too-large'],
    ['BAD_REQUEST', 501, 'not-implemented'],
    ['BAD_REQUEST', 406, 'not-acceptable'],
    ['BAD_REQUEST', 413, 'too-large'],
    ['BAD_REQUEST', 415, 'unsupported-media-type'],
    ['UNAUTHENTICATED', 401, 'unauthenticated'],
    ['FORBIDDEN', 403, 'forbidden'],
    ['NOT_FOUND', 404, 'not-found'],
    ['NOT_FOUND', 404, 'result-not-ready'],
    ['EXPIRED', 410, 'expired'],
    ['CONFLICT', 409, 'not-cancelable'],
    ['CONFLICT', 409, 'not-retryable'],
    ['IDEMPOTENCY_KEY_REUSED', 422, 'idempotency-key-reused'],
    ['RATE_LIMITED', 429, 'rate-limited'],
    ['QUEUE_FULL', 503, 'queue-full'],
    ['QUEUE_UNAVAILABLE', 503, 'queue-unavailable'],
    ['INTERNAL_SERVER_ERROR', 500, 'internal-error'],
  ] as const)('%s: %d %s', (code, status, problem) => {
    expect(PROBLEMS[problem]).toMatchObject({ code, status });
  });
});
