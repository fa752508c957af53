import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS, ServiceError } from '../core/errors.ts';

const RESPONSE_JSON = 'application/graphql-response+json';

/** Replies to what is refused before Yoga reads it, such as a request without a caller, in the form of GraphQL's own errors. */
export async function replyError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  // The server's own handler has an answer to everything else.
  if (!(error instanceof ServiceError)) throw error;
  const { code, status } = PROBLEMS[error.problem];
  if (error.retryAfter !== undefined) reply.header('Retry-After', error.retryAfter);
  if (error.challenge !== undefined) reply.header('WWW-Authenticate', error.challenge);
  const type = request.headers.accept?.includes(RESPONSE_JSON) === true ? RESPONSE_JSON : 'application/json';
  return reply
    .status(status)
    .type(`${type}; charset=utf-8`)
    .header('Cache-Control', 'no-store')
    .serializer(JSON.stringify)
    .send({ errors: [{ message: error.message, extensions: { code } }] });
}
