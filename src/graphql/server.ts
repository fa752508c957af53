import type { FastifyError, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import { createYoga } from 'graphql-yoga';
import { z } from 'zod';
import type { ServiceError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { RequestContext } from '../core/service/request-context.ts';
import type { JobService } from '../core/service/service.ts';
import type { GraphQLContext } from './builder.ts';
import { NO_CACHE, createDocumentCache } from './fast-path/document-cache.ts';
import { sendGraphiQL, wantsGraphiQL } from './graphiql.ts';
import { createMaskError, currentRequestId } from './plugins/mask-error.ts';
import { readCommonRequest } from './fast-path/common-request.ts';
import { createDirectExecution } from './fast-path/direct-execution.ts';
import { checkParameters } from './request-parameters.ts';
import { createGraphQLSchema } from './schema/schema.ts';
import { useBadUserInput } from './plugins/use-bad-user-input.ts';
import { useCompiledExecution } from './plugins/use-compiled-execution.ts';
import { useEventStream } from './plugins/use-event-stream.ts';
import { useHttpStatus } from './plugins/use-http-status.ts';
import { type KnownResult, useKnownResult } from './plugins/use-known-result.ts';
import { useLimits } from './plugins/use-limits.ts';
import { useNoIntrospection } from './plugins/use-no-introspection.ts';

export interface GraphQLFaceOptions {
  readonly service: JobService;
  readonly logger: Logger;
  readonly graphiql: boolean;
  /** Whether clients may ask for the schema. */
  readonly introspection: boolean;
  contextOf(request: FastifyRequest, reply: FastifyReply): RequestContext;
  /** What the HTTP server refuses before a handler runs; undefined for what nobody expected. */
  fromFastify(error: FastifyError | ServiceError, request: FastifyRequest): ServiceError | undefined;
}

/** The GraphQL face, as GraphQL over HTTP says. Its bodies are parsed, and bounded, before it has them. */
export interface GraphQLFace {
  /** GET and POST. */
  readonly handle: RouteHandlerMethod;
  /** Replies to what is thrown before the operation is looked at. */
  replyError(error: FastifyError | ServiceError, request: FastifyRequest, reply: FastifyReply): FastifyReply;
}

/** @throws StartError that names the file and the field, for a job type that GraphQL can't express */
export function createGraphQLFace(options: GraphQLFaceOptions): GraphQLFace {
  const { service, logger, graphiql, introspection, contextOf, fromFastify } = options;
  const schema = createGraphQLSchema(service.registry);
  const maskError = createMaskError(logger);
  const documentCache = createDocumentCache();
  const yoga = createYoga<GraphQLContext & KnownResult>({
    schema,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    maxRequestBodySize: false,
    parserAndValidationCache: { documentCache, errorCache: NO_CACHE },
    maskedErrors: { maskError },
    // What is masked is logged where it is masked.
    logging: false,
    plugins: [
      useKnownResult(),
      useLimits(schema),
      !introspection && useNoIntrospection(),
      useCompiledExecution(),
      useBadUserInput(!introspection),
      useHttpStatus(),
      useEventStream(),
    ],
  });
  const execute = createDirectExecution({ yoga, schema, documentCache, maskError });

  /** Yoga's own way, from a request to the reply. */
  async function handleByYoga(
    request: FastifyRequest,
    reply: FastifyReply,
    context: GraphQLContext & KnownResult,
  ): Promise<void> {
    const { raw } = request;
    if (request.method === 'HEAD') readAsGet(request);
    reply.hijack();
    // What hooks have set, such as CORS headers.
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    const parsed = Object.assign(raw, { body: request.body });
    await yoga.handle(parsed, reply.raw, context);
  }

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const context = { ...contextOf(request, reply), service };
    const common = readCommonRequest(request);
    const knownResult = common && (await execute(common, context));
    if (common === undefined || knownResult === undefined || knownResult.errors !== undefined)
      return handleByYoga(request, reply, { ...context, knownResult });
    return reply.header('Content-Type', `${common.mediaType}; charset=utf-8`).send(JSON.stringify(knownResult));
  }

  return {
    async handle(request, reply) {
      if (graphiql && wantsGraphiQL(request)) return sendGraphiQL(request, reply);
      checkParameters(request);
      return currentRequestId.run(request.id, () => handle(request, reply));
    },
    replyError(error, request, reply) {
      const masked = currentRequestId.run(request.id, () => maskError(fromFastify(error, request) ?? error));
      const { http, ...extensions } = maskedSchema.parse(masked.extensions);
      return reply
        .status(http.status)
        .headers(http.headers)
        .send({ errors: [{ message: masked.message, extensions }] });
    },
  };
}

const maskedSchema = z.looseObject({
  http: z.object({ status: z.int(), headers: z.record(z.string(), z.string()).default({}) }),
});

/** HEAD is GET without the body (RFC 9110, section 9.3.2), which Node leaves out. A stream of events would have no end. */
function readAsGet({ raw }: FastifyRequest): void {
  raw.method = 'GET';
  raw.headers.accept = 'application/graphql-response+json';
}
