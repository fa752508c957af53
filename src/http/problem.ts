import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
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

/** A whole reply, for bytes that never became a request. */
export function toRawReply(name: ProblemName): string {
  const { status, title } = PROBLEMS[name];
  const body = JSON.stringify({ type: `/problems/${name}`, title, status });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Cache-Control: no-store',
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options: nosniff',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

/** Replies to each error with `application/problem+json` (RFC 9457). */
export function createProblemHandler(logger: Logger, urlsOf: (request: FastifyRequest) => Urls) {
  return async (error: FastifyError | ServiceError, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const known = fromFastify(error, request);
    const errorId = known === undefined ? randomUUID() : undefined;
    if (known === undefined) logger.error({ thrown: error, errorId, requestId: request.id }, 'unexpected error');
    const shown =
      known ?? new ServiceError('internal-error', 'The cause has been logged under the id that this reply carries.');

    const urls = urlsOf(request);
    const { status, title } = PROBLEMS[shown.problem];
    if (shown.retryAfter !== undefined) reply.header('Retry-After', shown.retryAfter);
    if (shown.challenge !== undefined) reply.header('WWW-Authenticate', shown.challenge);
    return reply
      .status(status)
      .type('application/problem+json; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .serializer(JSON.stringify)
      .send({
        type: urls.problem(shown.problem),
        title,
        status,
        detail: shown.message,
        instance: urls.path(request.url),
        ...(shown.issues.length > 0 && {
          errors: shown.issues.map(({ path, message }) => ({ pointer: toPointer(path), detail: message })),
        }),
        ...(errorId !== undefined && { errorId }),
      });
  };
}

/** The failure that a reply tells of; undefined for what nobody expected. */
export function fromFastify(error: FastifyError | ServiceError, { raw }: FastifyRequest): ServiceError | undefined {
  if (error instanceof ServiceError) return error;
  // The client has gone in the middle of its body: nobody reads the reply.
  if (raw.destroyed && !raw.complete) return new ServiceError('malformed-request', 'The body is not complete.');
  // Other errors may carry a statusCode too, of something that they met: it is not this request's.
  if (!error.code?.startsWith('FST_')) return undefined;
  const problem = HTTP_PROBLEMS[error.statusCode ?? 500];
  return problem && new ServiceError(problem, error.message);
}

/**
 * A JSON Pointer (RFC 6901) as a URI fragment, as RFC 9457's own example has it. Half a surrogate pair has no form there; it
 * becomes U+FFFD.
 */
export function toPointer(path: readonly (string | number)[]): string {
  const escaped = path.map((part) => String(part).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1'));
  return `#${escaped.map((part) => `/${encodeURIComponent(part)}`).join('')}`;
}
