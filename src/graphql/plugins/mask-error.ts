import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { PROBLEMS, ServiceError } from '../../core/errors.ts';
import type { Logger } from '../../core/ports.ts';
import { errorAt } from './error-at.ts';

/** The id of the request that is answered, for the log: Yoga masks errors without their context. */
export const currentRequestId = new AsyncLocalStorage<string>();

/** Shows what is meant for callers, with its code, and masks all else behind an id that the log has too. */
export function createMaskError(logger: Logger): (error: unknown) => GraphQLError {
  return (error) => {
    const original = error instanceof GraphQLError ? error.originalError : error;
    if (original instanceof ServiceError) return fromServiceError(original, error);
    if (error instanceof GraphQLError && (original === undefined || original instanceof GraphQLError)) return error;
    const errorId = randomUUID();
    logger.error({ thrown: original, errorId, requestId: currentRequestId.getStore() }, 'unexpected error');
    const { title, code, status } = PROBLEMS['internal-error'];
    // Yoga takes `http` for the reply's own status and headers, and does not send it.
    return errorAt(error, title, { code, errorId, http: { status } });
  };
}

function fromServiceError(shown: ServiceError, place: unknown): GraphQLError {
  const { problem, message, issues, retryAfter, challenge } = shown;
  const { code, status } = PROBLEMS[problem];
  return errorAt(place, message, {
    code,
    ...(issues.length > 0 && { issues }),
    ...(retryAfter !== undefined && { retryAfter }),
    http: {
      status,
      headers: {
        ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
        ...(challenge !== undefined && { 'WWW-Authenticate': challenge }),
      },
    },
  });
}
