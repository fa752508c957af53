import { z } from 'zod';
import { MAX_BATCH_ITEMS } from '../../core/batch/batch.ts';
import { countItems, requireBatchSize } from '../../core/batch/submit-batch.ts';
import type { JobType } from '../../core/define-job.ts';
import { PROBLEMS, type ServiceError } from '../../core/errors.ts';
import { readIdempotencyKey } from '../../core/input/idempotency-key.ts';
import { toInvalidInput } from '../../core/input/parse-input.ts';
import type { RequestContext } from '../../core/service/request-context.ts';
import { collectionName } from '../../core/type-name.ts';
import { toPointer } from '../../http/problem.ts';
import { submittedBatchExample } from '../openapi/examples.ts';
import { SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import { sendJson, viewOf, viewOfBatch } from '../replies.ts';
import { idempotencyKey } from '../requests.ts';
import type { RestApi, Route } from '../route.ts';
import { type SubmittedBatchView, schemasOf, serializeSubmittedBatch, submittedBatchSchema } from '../schemas.ts';
import { readSubmitOptions, submitQuery } from '../submit-options.ts';

const ITEMS = ['items'];
const itemsSchema = z.strictObject({ items: z.array(z.unknown()) });

export const batchPathOf = ({ collection }: JobType): `/${string}` => `/api/${collection}/batch`;

/** `POST /api/{collection}/batch`. */
export const submitBatchRoute = (type: JobType): Route<RestApi> => ({
  method: 'POST',
  path: batchPathOf(type),
  operation: {
    operationId: `submit${collectionName(type.collection)}`,
    summary: `Submit many: ${type.name}`,
    description: `Submits up to ${MAX_BATCH_ITEMS.toLocaleString('en')} jobs in one request. Each item is checked by itself. The reply is 202 as soon as the queue has the jobs of all valid items, which it takes in one step, and \`Location\` is the URL to follow them together.`,
    tags: [type.collection],
    security: SECURITY.callers,
    requestParams: { header: z.object({ 'Idempotency-Key': idempotencyKey }), query: submitQuery },
    requestBody: {
      required: true,
      description: 'The input of each job. The options in the query are those of all of them.',
      content: {
        'application/json': {
          schema: z.object({ items: z.array(schemasOf(type).input).min(1).max(MAX_BATCH_ITEMS) }),
        },
      },
    },
    responses: {
      202: describeReply({
        description: 'At least one item was accepted: the queue has its job.',
        schema: submittedBatchSchema,
        examples: { submitted: submittedBatchExample(type) },
        always: ['Location', 'Retry-After'],
        sometimes: ['Idempotency-Replayed'],
      }),
      ...problemReplies([
        'invalid-input',
        'too-large',
        'unsupported-media-type',
        'idempotency-key-reused',
        'quota-exceeded',
        'queue-full',
      ]),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const { caller, requestId, trace, idempotencyKeyHeader } = context;
    const inputs = readItems(request.body);
    await countItems(inputs.length, context);
    const { batch, items, replayed } = await service.submitBatch({
      type,
      inputs,
      path: ITEMS,
      options: { given: readSubmitOptions(request.query), path: [], base: context.urls.base },
      caller,
      requestId,
      trace,
      idempotencyKey: readIdempotencyKey(undefined, idempotencyKeyHeader),
    });
    if (replayed) reply.header('Idempotency-Replayed', 'true');
    const view = viewOfBatch(batch, service, context);
    reply
      .status(202)
      .header('Location', view.statusUrl)
      .header('Retry-After', view.retryAfter ?? 1)
      .header('Cache-Control', 'no-store');
    const submitted: SubmittedBatchView = {
      ...view,
      items: items.map((item, index) =>
        'job' in item
          ? { index, job: viewOf(item.job, service, context) }
          : { index, error: toProblem(item.error, context) },
      ),
    };
    return sendJson(reply, serializeSubmittedBatch(submitted));
  },
});

/** The number of items is checked before anything is done with them, and each by itself later. */
function readItems(body: unknown): readonly unknown[] {
  const { items } = Object(body);
  if (Array.isArray(items)) requireBatchSize(items.length, ITEMS);
  const parsed = itemsSchema.safeParse(body);
  if (!parsed.success) throw toInvalidInput(parsed.error.issues);
  return parsed.data.items;
}

function toProblem({ problem, message, issues }: ServiceError, { urls }: RequestContext) {
  const { status, title } = PROBLEMS[problem];
  const errors = issues.map((issue) => ({ pointer: toPointer(issue.path), detail: issue.message }));
  return { type: urls.problem(problem), title, status, detail: message, ...(errors.length > 0 && { errors }) };
}
