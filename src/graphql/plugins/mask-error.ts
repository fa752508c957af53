import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { PROBLEMS, ServiceError } from '../../core/errors.ts';
import type { Logger } from '../../core/ports.ts';
import type { RequestFacts } from '../../core/service/request-context.ts';
import { logRefusal } from '../../http/problem.ts';

/** The current request: Yoga masks errors without their context. */
export const currentRequest = new AsyncLocalStorage<RequestFacts>();

/** Gives errors that are meant for callers their code, and replaces all others by an id that the log has too. */
export function createMaskError(logger: Logger): (error: unknown) => GraphQLError {
  return (error) => {
    const facts = currentRequest.getStore();
    const original = error instanceof GraphQLError ? error.originalError : error;
    if (original instanceof ServiceError) {
      if (facts) facts.problem ??= original.problem;
      if (original.caller !== undefined) logRefusal(logger, original, facts?.id);
      return fromServiceError(original, error);
    }
    if (error instanceof GraphQLError && (original === undefined || original instanceof GraphQLError)) return error;
    if (facts) facts.problem ??= 'internal-error';
    const errorId = randomUUID();
    logger.error({ thrown: original, errorId, requestId: facts?.id }, 'unexpected error');
    const { title, code, status } = PROBLEMS['internal-error'];
    // Yoga takes the status and the headers of the reply from `http`, and does not send it.
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

/** Makes an error at the same place of the document and of the result as another one. */
export function errorAt(place: unknown, message: string, extensions: GraphQLErrorExtensions): GraphQLError {
  const { nodes = null, source = null, positions = null, path = null } = place instanceof GraphQLError ? place : {};
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}
