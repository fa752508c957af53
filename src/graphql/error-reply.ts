import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS, ServiceError } from '../core/errors.ts';

/** Replies in GraphQL's shape to requests that are refused before GraphQL sees them; other errors are left to the server. */
export async function replyErrors(error: unknown, _request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (!(error instanceof ServiceError)) throw error;
  const { problem, message, retryAfter } = error;
  const { code, status } = PROBLEMS[problem];
  if (retryAfter !== undefined) reply.header('Retry-After', retryAfter);
  const extensions = { code, ...(retryAfter !== undefined && { retryAfter }) };
  return reply
    .status(status)
    .header('Cache-Control', 'no-store')
    .send({ errors: [{ message, extensions }] });
}
