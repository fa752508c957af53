import type { FastifyError, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { z } from 'zod';
import type { ServiceError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { RequestContext } from '../core/service/request-context.ts';
import type { JobService } from '../core/service/service.ts';
import type { GraphQLContext } from './builder.ts';
import { createExamples } from './examples.ts';
import { createDirectExecution } from './fast-path/direct-execution.ts';
import { NO_CACHE, createDocumentCache } from './fast-path/prepared-documents.ts';
import { createGraphiQL, wantsGraphiQL } from './graphiql.ts';
import { countFields } from './plugins/count-fields.ts';
import { createAccessCheck, useAccess } from './plugins/use-access.ts';
import { createMaskError, currentRequest } from './plugins/mask-error.ts';
import { useBadUserInput, withVariableIssues } from './plugins/use-bad-user-input.ts';
import { useEventStream } from './plugins/use-event-stream.ts';
import { useHttpStatus } from './plugins/use-http-status.ts';
import { useProblem } from './plugins/use-problem.ts';
import { type KnownResult, useKnownResult } from './plugins/use-known-result.ts';
import { useLimits } from './plugins/use-limits.ts';
import { useMultipartSubscriptions } from './plugins/use-multipart-subscriptions.ts';
import { useNoIntrospection } from './plugins/use-no-introspection.ts';
import { usePersistedQuery } from './plugins/use-persisted-query.ts';
import { useTrace } from './plugins/use-trace.ts';
import { createOperationNames } from './operation-name.ts';
import { ReplyBudget } from './reply-budget.ts';
import {
  type Acceptable,
  STREAMS,
  checkParameters,
  pickParameters,
  readAcceptable,
  readCommonRequest,
  toPlainAccept,
} from './request.ts';
import { addVary, notAcceptable } from '../http/negotiation.ts';
import { traceError } from '../http/request-trace.ts';
import { createGraphQLSchema } from './schema/schema.ts';

export interface GraphQLApiOptions {
  readonly service: JobService;
  readonly logger: Logger;
  readonly graphiql: boolean;
  /** Whether clients may query the schema. */
  readonly introspection: boolean;
  /** Whether the requests of callers are limited. */
  readonly isLimited: boolean;
  contextOf(request: FastifyRequest, reply: FastifyReply): RequestContext;
  /** Translates errors that the HTTP server throws before a handler runs; undefined for an unexpected error. */
  fromFastify(error: FastifyError | ServiceError, request: FastifyRequest): ServiceError | undefined;
}

/** The GraphQL API (GraphQL over HTTP). The HTTP server parses and bounds the bodies of its requests. */
export interface GraphQLApi {
  /** Handles GET and POST. */
  readonly handle: RouteHandlerMethod;
  /** Replies to an error that was thrown before the operation was read. */
  replyError(error: FastifyError | ServiceError, request: FastifyRequest, reply: FastifyReply): FastifyReply;
}

/** @throws StartError that names the file and the field, for a job type that GraphQL cannot express */
export function createGraphQLApi(options: GraphQLApiOptions): GraphQLApi {
  const { service, logger, graphiql, introspection, isLimited, contextOf, fromFastify } = options;
  const schema = createGraphQLSchema(service.registry);
  if (isLimited) countFields(schema);
  const sendGraphiQL = createGraphiQL(createExamples(schema, service.registry));
  const maskError = createMaskError(logger);
  const documentCache = createDocumentCache();
  const checkAccess = createAccessCheck(schema, createOperationNames(schema));
  const yoga = createYoga<GraphQLContext & KnownResult>({
    schema,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    maxRequestBodySize: false,
    parserAndValidationCache: { documentCache, errorCache: NO_CACHE },
    maskedErrors: { maskError },
    // `maskError` logs what it masks.
    logging: false,
    plugins: [
      useKnownResult(),
      usePersistedQuery(),
      useLimits(schema),
      useAccess(checkAccess),
      !introspection && useNoIntrospection(),
      useBadUserInput(!introspection),
      useHttpStatus(),
      useProblem(),
      useEventStream(),
      useMultipartSubscriptions(),
      useTrace(),
    ],
  });
  const execute = createDirectExecution({ yoga, schema, documentCache, checkAccess, toPublicResult });

  function toPublicResult(args: ExecutionArgs, result: ExecutionResult, context: GraphQLContext): ExecutionResult {
    const { errors = [], ...rest } = withVariableIssues(args, result, !introspection);
    return { errors: currentRequest.run(context.facts, () => errors.map(maskError)), ...rest };
  }

  async function handleByYoga(
    request: FastifyRequest,
    reply: FastifyReply,
    context: GraphQLContext & KnownResult,
    acceptable: Acceptable,
  ): Promise<FastifyReply> {
    const { raw } = request;
    raw.headers.accept = toPlainAccept(acceptable);
    if (request.method === 'HEAD') readAsGet(request);
    // The route may be spelled in several ways, of which Yoga knows one.
    const url = `/graphql${/\?.*/s.exec(raw.url ?? '')?.[0] ?? ''}`;
    const parsed = Object.assign(raw, { body: pickParameters(request.body), url, originalUrl: url });
    // A client that accepts no stream gets one result, which Yoga refuses for a subscription.
    if (acceptable.stream !== undefined && request.method !== 'HEAD') {
      reply.hijack();
      // Keeps the headers that hooks have set, such as those of CORS.
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      await currentRequest.run(request, () => yoga.handle(parsed, reply.raw, context));
      return reply;
    }
    const response = await currentRequest.run(request, () =>
      yoga.handleNodeRequestAndResponse(parsed, reply.raw, context),
    );
    if (response.status === 406) throw notAcceptable(STREAMS);
    // Sent by Fastify, whose hooks compress it.
    return reply
      .status(response.status)
      .headers(Object.fromEntries(response.headers))
      .send(await response.text());
  }

  return {
    async handle(request, reply) {
      if (graphiql && wantsGraphiQL(request)) return sendGraphiQL(request, reply);
      if (request.method !== 'POST') addVary(reply, 'Accept');
      const acceptable = readAcceptable(request);
      checkParameters(request);
      const context = { ...contextOf(request, reply), service, budget: new ReplyBudget() };
      const common = readCommonRequest(request, acceptable);
      const knownResult = common && (await execute(common, context));
      // Yoga derives the status and the headers of the reply from errors.
      if (common === undefined || knownResult === undefined || knownResult.errors !== undefined)
        return handleByYoga(request, reply, { ...context, knownResult }, acceptable);
      return reply.header('Content-Type', `${common.mediaType}; charset=utf-8`).send(JSON.stringify(knownResult));
    },
    replyError(error, request, reply) {
      const masked = currentRequest.run(request, () => maskError(fromFastify(error, request) ?? error));
      const { http, ...extensions } = maskedSchema.parse(masked.extensions);
      traceError(request.span, String(extensions['code']));
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

/** HEAD is GET without the body (RFC 9110, section 9.3.2), which Node omits. An event stream would never end. */
function readAsGet({ raw }: FastifyRequest): void {
  raw.method = 'GET';
  raw.headers.accept = 'application/graphql-response+json';
}
