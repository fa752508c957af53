import { z } from 'zod';
import { parseInput } from '../../core/input/parse-input.ts';
import { callerIdSchema } from '../../core/service/job-filter.ts';
import { EVENTS, deliverySchema } from '../../core/webhook/delivery.ts';
import { eventSchema } from '../../core/webhook/event-body.ts';
import { webhookSecretRotationSchema, webhookSecretSchema } from '../../core/webhook/secrets.ts';
import { deliveryExample } from '../openapi/examples.ts';
import { SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import { foundJob, sendJson } from '../replies.ts';
import { idOf, jobPath, parameter, toValues } from '../requests.ts';
import type { Operation, RestApi, Route } from '../route.ts';

const deliveryListSchema = z
  .object({ items: z.array(deliverySchema).describe('Newest first, at most 20.') })
  .meta({ id: 'WebhookDeliveryList' });

const deliveryPath = jobPath.extend({ deliveryId: parameter(z.string(), 'The id of the delivery.') });
const rotateQuery = z.object({
  caller: parameter(
    callerIdSchema.optional(),
    'Whose secret is replaced: the id of a caller. By default, the own one.',
  ),
});

const shared = { tags: ['Webhooks'], security: SECURITY.callers };

const listDeliveries: Route<RestApi> = {
  method: 'GET',
  path: '/api/jobs/{id}/deliveries',
  operation: {
    ...shared,
    operationId: 'listDeliveries',
    summary: 'List the deliveries of a job',
    description:
      'How the ends of the job were told to the `webhook` of its submission: a job that is retried ends again. Kept as long as the job. None for a job without a webhook.',
    requestParams: { path: jobPath },
    responses: {
      200: describeReply({
        description: 'The deliveries, with their attempts.',
        schema: deliveryListSchema,
        examples: { pending: { summary: 'A delivery that is tried again', value: { items: [deliveryExample] } } },
      }),
      ...problemReplies(['not-found', 'expired', 'precondition-failed']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const { caller } = contextOf(request, reply);
    const job = foundJob(request, await service.read(idOf(request), caller));
    return sendJson(reply, JSON.stringify({ items: await service.readDeliveries(job, caller) }));
  },
};

const redeliver: Route<RestApi> = {
  method: 'POST',
  path: '/api/jobs/{id}/deliveries/{deliveryId}/redeliver',
  operation: {
    ...shared,
    operationId: 'redeliver',
    summary: 'Send a webhook again',
    description:
      'Sends the delivery at once, with all its attempts again, and the same `webhook-id`. One that is being sent at this moment stays as it is.',
    requestParams: { path: deliveryPath },
    responses: {
      202: describeReply({
        description: 'It is due.',
        schema: deliverySchema,
        examples: { pending: { summary: 'A delivery that is due', value: deliveryExample } },
      }),
      ...problemReplies(['not-found', 'expired', 'too-large', 'unsupported-media-type']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const { deliveryId } = deliveryPath.parse(request.params);
    const delivery = await service.redeliver(idOf(request), deliveryId, contextOf(request, reply).caller);
    return sendJson(reply.status(202).header('Cache-Control', 'no-store'), JSON.stringify(delivery));
  },
};

const getSecret: Route<RestApi> = {
  method: 'GET',
  path: '/api/webhook-secret',
  operation: {
    ...shared,
    operationId: 'getWebhookSecret',
    summary: 'Read the secret of webhooks',
    description:
      "The caller's own secret, by which its receivers verify `webhook-signature` (Standard Webhooks 1.0.0). Needs the scope `submit`.",
    responses: {
      200: describeReply({ description: 'The secret.', schema: webhookSecretSchema }),
      ...problemReplies([]),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    return sendJson(reply, JSON.stringify(await service.webhookSecret(contextOf(request, reply).caller)));
  },
};

const rotateSecret: Route<RestApi> = {
  method: 'POST',
  path: '/api/webhook-secret/rotate',
  operation: {
    ...shared,
    operationId: 'rotateWebhookSecret',
    summary: 'Replace a secret of webhooks',
    description: 'Both secrets sign for a day, in which receivers take over the new one. Needs the scope `admin`.',
    requestParams: { query: rotateQuery },
    responses: {
      200: describeReply({
        description: 'Done. Its caller reads the new secret at `/api/webhook-secret`.',
        schema: webhookSecretRotationSchema,
      }),
      ...problemReplies(['invalid-input', 'too-large', 'unsupported-media-type']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const { caller: owner } = parseInput(rotateQuery, toValues(request.query));
    const rotation = await service.rotateWebhookSecret(contextOf(request, reply).caller, owner);
    return sendJson(reply.header('Cache-Control', 'no-store'), JSON.stringify(rotation));
  },
};

/** Deliveries of webhooks, and the secret that signs them. */
export const webhookRoutes: readonly Route<RestApi>[] = [listDeliveries, redeliver, getSecret, rotateSecret];

const MEANINGS = { 'job.succeeded': 'succeeded', 'job.failed': 'failed', 'job.canceled': 'was canceled, or expired' };

/** What the server sends (OpenAPI 3.1.1, section 4.8.1). */
export const sentWebhooks: Readonly<Record<string, { readonly post: Operation }>> = Object.fromEntries(
  EVENTS.map((type) => [
    type,
    {
      post: {
        tags: ['Webhooks'],
        security: SECURITY.anyone,
        operationId: `tell${type.slice('job.'.length).replace(/^./, (first) => first.toUpperCase())}`,
        summary: `A job ${MEANINGS[type]}`,
        description:
          'Sent to the `webhook` of the submission, as Standard Webhooks 1.0.0 says. Anything but 2xx is tried again after 5 seconds, 5 and 30 minutes, 2, 5 and 10 hours, or later if `Retry-After` says so; 410 ends it.',
        requestParams: {
          header: z.object({
            'webhook-id': z
              .string()
              .describe('The same for each attempt, by which receivers leave out what they have got.'),
            'webhook-timestamp': z.string().describe('When it was sent, in seconds since 1970.'),
            'webhook-signature': z
              .string()
              .describe('`v1,` and an HMAC-SHA-256; several for a day after the secret was replaced.'),
          }),
        },
        requestBody: {
          required: true,
          description: 'At most 20 KiB. The result is at `resultUrl`.',
          content: { 'application/json': { schema: eventSchema } },
        },
        responses: { '2XX': { description: 'Delivered.' }, 410: { description: 'Not sent again.' } },
      },
    },
  ]),
);
