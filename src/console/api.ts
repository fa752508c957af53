/**
 * What the console needs besides the GraphQL API, whose fields for inputs and results differ from type to type: the same for all types,
 * as JSON. The REST API, which has a part of it, may be off.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ANONYMOUS, invalidToken } from '../core/access/caller.ts';
import type { JobType } from '../core/define-job.ts';
import { jobNotFound, ServiceError } from '../core/errors.ts';
import { readIdempotencyKey } from '../core/input/idempotency-key.ts';
import { toJsonSchema } from '../core/input/json-schema.ts';
import { parseInput } from '../core/input/parse-input.ts';
import { givenOptions, submitOptionsSchema } from '../core/input/submit-options.ts';
import type { RequestContext } from '../core/service/request-context.ts';
import type { JobService } from '../core/service/service.ts';
import { addEndpoint } from '../http/endpoint.ts';
import { type JobData, OPTIONS, type Session, type SubmittableType, type Upload } from './session.ts';

export interface ConsoleApiOptions {
  readonly service: JobService;
  contextOf(request: FastifyRequest, reply: FastifyReply): RequestContext;
  readonly graphiql: boolean;
  readonly docs: boolean;
}

const jobParams = z.object({ id: z.string() });
const typeParams = z.object({ type: z.string() });
const submissionSchema = z.strictObject({ input: z.unknown(), [OPTIONS]: submitOptionsSchema.optional() });

/** Adds `GET /console/api/session`, `GET /console/api/jobs/:id`, `POST /console/api/uploads` and `POST /console/api/types/:type/jobs`. */
export function addConsoleApi(app: FastifyInstance, { service, contextOf, graphiql, docs }: ConsoleApiOptions): void {
  const { registry } = service;
  let jobTypes: readonly SubmittableType[] | undefined;
  let options: object | undefined;

  addEndpoint(app, '/console/api/session', {
    async GET(request, reply): Promise<Session> {
      const { caller } = contextOf(request, reply);
      if (caller.kind === 'job-key')
        throw invalidToken('This access token is for one job. Send a key or a token of a caller.');
      jobTypes ??= registry.types.map(describe);
      return {
        ...(caller !== ANONYMOUS && { caller: caller.id }),
        scopes: [...caller.scopes],
        jobTypes,
        options: (options ??= toJsonSchema(submitOptionsSchema, 'input')),
        graphiql,
        docs,
      };
    },
  });

  addEndpoint(app, '/console/api/jobs/:id', {
    async GET(request, reply): Promise<JobData> {
      const { id } = jobParams.parse(request.params);
      const { caller, urls } = contextOf(request, reply);
      const job = await service.read(id, caller);
      if (job === undefined) throw jobNotFound();
      const input = await service.showInput(job, await service.readInput(job), urls);
      return { input, ...(job.status === 'Succeeded' && { result: await service.showResult(job, urls) }) };
    },
  });

  if (service.files !== undefined) {
    addEndpoint(app, '/console/api/uploads', {
      async POST(request, reply): Promise<Upload> {
        const { caller, urls } = contextOf(request, reply);
        const { id, url, headers } = await service.createUpload(request.body, caller, urls);
        reply.status(201);
        return { id, url, headers };
      },
    });
  }

  addEndpoint(app, '/console/api/types/:type/jobs', {
    async POST(request, reply): Promise<{ readonly id: string }> {
      const { type: name } = typeParams.parse(request.params);
      // Those of the API itself have operations of their own.
      const type = registry.types.find((each) => each.name === name);
      if (type === undefined) throw new ServiceError('not-found', 'There is no job type with this name.');
      const { caller, requestId, trace, urls, idempotencyKeyHeader } = contextOf(request, reply);
      const idempotencyKey = readIdempotencyKey(undefined, idempotencyKeyHeader);
      const { input, [OPTIONS]: given } = parseInput(submissionSchema, request.body);
      const { job } = await service.submit({
        type,
        input,
        options: { given: givenOptions(given), path: [OPTIONS], base: urls.base },
        caller,
        requestId,
        trace,
        idempotencyKey,
      });
      reply.status(202);
      return { id: job.id };
    },
  });
}

function describe({ name, description, input }: JobType): SubmittableType {
  return { name, description, schema: toJsonSchema(input, 'input') };
}
