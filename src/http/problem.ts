import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS, type ProblemName, ServiceError } from '../core/errors.ts';
import { AUDIT, type Logger } from '../core/ports.ts';
import type { Urls } from '../core/urls.ts';
import { traceError } from './request-trace.ts';

/** Errors of Fastify before a handler runs, by HTTP status. */
const HTTP_PROBLEMS: Readonly<Record<number, ProblemName>> = {
  400: 'malformed-request',
  404: 'not-found',
  413: 'too-large',
  415: 'unsupported-media-type',
};

/** The `detail` of problems with bytes that never became a request. */
export const RAW_DETAILS = {
  'malformed-request': 'The bytes received are not a valid HTTP request.',
  'request-timeout': 'The request did not arrive completely in time.',
  'header-too-large': 'The request line and the header fields exceed 16 KiB.',
  'not-implemented': 'CONNECT is not implemented.',
} as const satisfies Partial<Record<ProblemName, string>>;
export type RawProblem = keyof typeof RAW_DETAILS;

/** A complete HTTP reply, for bytes that never became a request. */
export function toRawReply(name: RawProblem): string {
  const { status, title } = PROBLEMS[name];
  const body = JSON.stringify({ type: `/problems/${name}`, title, status, detail: RAW_DETAILS[name] });
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

/** The `Cache-Control` of replies that depend on the caller. */
export const PRIVATE = 'private, no-store';

/** The `detail` of a masked error. */
export const UNEXPECTED = 'An unexpected error occurred. It has been logged under the `errorId` of this reply.';

/** Replies to each error with `application/problem+json` (RFC 9457). */
export function createProblemHandler(logger: Logger, urlsOf: (request: FastifyRequest) => Urls) {
  return async (error: FastifyError | ServiceError, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const known = fromFastify(error, request);
    const errorId = known === undefined ? randomUUID() : undefined;
    if (known === undefined) logger.error({ thrown: error, errorId, requestId: request.id }, 'unexpected error');
    if (known?.caller !== undefined) logRefusal(logger, known, request.id);
    const shown = known ?? new ServiceError('internal-error', UNEXPECTED);
    request.problem = shown.problem;

    traceError(request.span, shown.problem);

    const urls = urlsOf(request);
    const { status, title } = PROBLEMS[shown.problem];
    if (shown.retryAfter !== undefined) reply.header('Retry-After', shown.retryAfter);
    if (shown.challenge !== undefined) reply.header('WWW-Authenticate', shown.challenge);
    return reply
      .status(status)
      .type('application/problem+json; charset=utf-8')
      .header('Cache-Control', reply.getHeader('Cache-Control') === PRIVATE ? PRIVATE : 'no-store')
      .serializer(JSON.stringify)
      .send({
        type: urls.problem(shown.problem),
        title,
        status,
        detail: shown.message,
        instance: urls.path(request.url),
        ...(shown.failure !== undefined && { code: shown.failure }),
        ...(shown.issues.length > 0 && {
          errors: shown.issues.map(({ path, message }) => ({ pointer: toPointer(path), detail: message })),
        }),
        ...(errorId !== undefined && { errorId }),
      });
  };
}

/** Logs that a known caller was refused, for want of a scope or with the access token of another job. */
export function logRefusal(logger: Logger, { problem, caller }: ServiceError, requestId: string | undefined): void {
  logger.info({ action: problem, caller, requestId }, AUDIT);
}

/** The error to report; undefined for an unexpected one, which is masked. */
export function fromFastify(error: FastifyError | ServiceError, { raw }: FastifyRequest): ServiceError | undefined {
  if (error instanceof ServiceError) return error;
  // The client disconnected while it sent the body, so the reply will not be read.
  if (raw.destroyed && !raw.complete) return new ServiceError('malformed-request', 'The body is incomplete.');
  // Errors of other libraries may have a statusCode too, which is not that of this request.
  if (!error.code?.startsWith('FST_')) return undefined;
  const problem = HTTP_PROBLEMS[error.statusCode ?? 500];
  return problem && new ServiceError(problem, error.message);
}

/**
 * A JSON Pointer (RFC 6901) as a URI fragment, as in the example of RFC 9457. A lone surrogate cannot be encoded there and becomes
 * U+FFFD.
 */
export function toPointer(path: readonly (string | number)[]): string {
  const escaped = path.map((part) => String(part).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1'));
  return `#${escaped.map((part) => `/${encodeURIComponent(part)}`).join('')}`;
}
