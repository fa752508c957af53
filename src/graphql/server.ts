import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createYoga } from 'graphql-yoga';
import { z } from 'zod';
import { PROBLEMS } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { RequestContext } from '../core/request-context.ts';
import type { JobService } from '../core/service.ts';
import type { GraphQLContext } from './context.ts';
import { replyErrors } from './error-reply.ts';
import { graphiqlOptions, renderGraphiQL } from './graphiql.ts';
import { createMaskError } from './mask-error.ts';
import { createGraphQLSchema } from './schema.ts';
import { useBadUserInput } from './use-bad-user-input.ts';
import { useEventStreamHeaders } from './use-event-stream-headers.ts';
import { useHttpStatus } from './use-http-status.ts';

export interface GraphQLFaceOptions {
  readonly service: JobService;
  readonly logger: Logger;
  readonly graphiql: boolean;
  /** Bytes. */
  readonly bodyLimit: number;
  contextOf(request: FastifyRequest, reply: FastifyReply): RequestContext;
}

const JSON_TYPE = /^application\/json\s*(;|$)/i;

/**
 * The GraphQL face, at `/graphql`, as GraphQL over HTTP says.
 * @throws StartError that names the file and the field, for a job type that GraphQL can't express
 */
export function createGraphQLFace(options: GraphQLFaceOptions): (app: FastifyInstance) => Promise<void> {
  const { service, logger, graphiql, bodyLimit, contextOf } = options;
  const yoga = createYoga<{ incoming: RequestContext }, GraphQLContext>({
    schema: createGraphQLSchema(service.registry),
    context: ({ incoming }) => ({ ...incoming, service }),
    graphiql: graphiql && graphiqlOptions,
    renderGraphiQL,
    landingPage: false,
    cors: false,
    multipart: false,
    maxRequestBodySize: bodyLimit,
    maskedErrors: { maskError: createMaskError(logger) },
    // What is masked is logged where it is masked.
    logging: false,
    plugins: [useBadUserInput(), useHttpStatus(), useEventStreamHeaders()],
  });

  return async (app) => {
    app.setErrorHandler(replyErrors);
    // Yoga reads the body itself.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.route({
      url: yoga.graphqlEndpoint,
      method: ['GET', 'POST', 'OPTIONS'],
      async handler(request, reply) {
        // Forms and text can be sent by any web page without asking (CORS), so JSON is the one media type.
        if (request.method === 'POST' && !JSON_TYPE.test(request.headers['content-type'] ?? '')) {
          const { code, title, status } = PROBLEMS['unsupported-media-type'];
          return reply.status(status).send({ errors: [{ message: title, extensions: { code } }] });
        }
        if (!hasJsonParameters(request.query)) {
          const { code, title, status } = PROBLEMS['malformed-request'];
          return reply.status(status).send({ errors: [{ message: title, extensions: { code } }] });
        }
        reply.hijack();
        // What hooks have set, such as CORS headers.
        for (const [name, value] of Object.entries(reply.getHeaders()))
          if (value !== undefined) reply.raw.setHeader(name, value);
        await yoga.handle(request.raw, reply.raw, { incoming: contextOf(request, reply) });
      },
    });
  };
}

const parametersSchema = z.object({ variables: z.string().optional(), extensions: z.string().optional() });

/** What a GET has in its URL as JSON (GraphQL over HTTP, section 5.3) is JSON. */
function hasJsonParameters(query: unknown): boolean {
  const { variables, extensions } = parametersSchema.safeParse(query).data ?? { variables: '' };
  try {
    for (const text of [variables, extensions]) if (text !== undefined) JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
