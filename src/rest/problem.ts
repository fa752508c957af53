import { randomUUID } from 'node:crypto';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS, type ProblemName, ServiceError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { Urls } from '../core/urls.ts';

/** What Fastify refuses before a handler runs, by HTTP status. */
const HTTP_PROBLEMS: Readonly<Record<number, ProblemName>> = {
  400: 'malformed-request',
  404: 'not-found',
  413: 'too-large',
  415: 'unsupported-media-type',
};

/** Replies to each error with `application/problem+json` (RFC 9457). */
export function createProblemHandler(logger: Logger, urlsOf: (request: FastifyRequest) => Urls) {
  return async (error: FastifyError | ServiceError, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const known = error instanceof ServiceError ? error : fromFastify(error);
    const errorId = known === undefined ? randomUUID() : undefined;
    if (known === undefined) logger.error({ err: error, errorId, requestId: request.id }, 'unexpected error');
    const shown =
      known ?? new ServiceError('internal-error', 'The cause has been logged under the id that this reply carries.');

    const { status, title } = PROBLEMS[shown.problem];
    if (shown.retryAfter !== undefined) reply.header('Retry-After', shown.retryAfter);
    return reply
      .status(status)
      .type('application/problem+json')
      .serializer(JSON.stringify)
      .send({
        type: urlsOf(request).problem(shown.problem),
        title,
        status,
        detail: shown.message,
        instance: request.url,
        ...(shown.issues.length > 0 && {
          errors: shown.issues.map(({ path, message }) => ({ pointer: toPointer(path), detail: message })),
        }),
        ...(errorId !== undefined && { errorId }),
      });
  };
}

function fromFastify(error: FastifyError): ServiceError | undefined {
  const problem = HTTP_PROBLEMS[error.statusCode ?? 500];
  return problem && new ServiceError(problem, error.message);
}

/** A JSON Pointer (RFC 6901) as a URI fragment, as RFC 9457's own example has it. */
function toPointer(path: readonly (string | number)[]): string {
  return `#${path.map((part) => `/${encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')}`;
}
