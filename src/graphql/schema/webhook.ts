import type { ObjectRef } from '@pothos/core';
import {
  deliveryErrorSchema,
  deliveryStatusSchema,
  type Delivery,
  type DeliveryAttempt,
  MAX_ATTEMPTS,
  MAX_DELIVERIES,
} from '../../core/webhook/delivery.ts';
import { parseInput } from '../../core/input/parse-input.ts';
import { callerIdSchema } from '../../core/service/job-filter.ts';
import type { WebhookSecret, WebhookSecretRotation } from '../../core/webhook/secrets.ts';
import type { Builder, SchemaTypes } from '../builder.ts';
import { z } from 'zod';

/** The types that do not depend on job types. */
export const WEBHOOK_TYPES = [
  'WebhookDelivery',
  'WebhookDeliveryStatus',
  'WebhookAttempt',
  'WebhookAttemptError',
  'WebhookSecret',
  'WebhookSecretRotation',
  'PreviousWebhookSecret',
];

export type DeliveryObject = ObjectRef<SchemaTypes, Delivery>;

const rotateSchema = z.object({ caller: callerIdSchema.nullish() });

export function addDelivery(builder: Builder): DeliveryObject {
  const status = builder.enumType('WebhookDeliveryStatus', {
    description:
      'PENDING until an attempt is answered with 2xx. FAILED: the last attempt failed, or the receiver replied 410.',
    values: Object.fromEntries(deliveryStatusSchema.options.map((value) => [value.toUpperCase(), { value }])),
  });
  const error = builder.enumType('WebhookAttemptError', {
    description:
      'TIMEOUT: no reply within 15 seconds. REFUSED_ADDRESS: the server does not send to that address. DNS, TLS, CONNECTION: what failed. REDIRECT: the reply was one, which is not followed.',
    values: deliveryErrorSchema.options,
  });
  const attempt = builder.objectRef<DeliveryAttempt>('WebhookAttempt').implement({
    description: 'One request to the receiver.',
    fields: (t) => ({
      at: t.expose('at', { type: 'DateTime' }),
      durationMs: t.exposeInt('durationMs'),
      statusCode: t.exposeInt('statusCode', { nullable: true, description: 'Of the reply; null if there was none.' }),
      error: t.expose('error', { type: error, nullable: true, description: 'Null for a reply that is no redirect.' }),
    }),
  });
  return builder.objectRef<Delivery>('WebhookDelivery').implement({
    description: 'The end of a job, as it is told to the webhook of its submission.',
    fields: (t) => ({
      id: t.exposeID('id', {
        description: 'The same in the header `webhook-id` of each attempt, and different for each end of a job.',
      }),
      event: t.exposeString('event', { description: 'The `type` of what is sent, such as `job.succeeded`.' }),
      status: t.expose('status', { type: status }),
      url: t.expose('url', { type: 'URL', description: 'The `webhook` of the submission.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the job ended.' }),
      nextAttemptAt: t.expose('nextAttemptAt', {
        type: 'DateTime',
        nullable: true,
        description: 'The time before which it is not sent again; null when it is done.',
      }),
      attempts: t.expose('attempts', {
        type: [attempt],
        description: `The latest ${MAX_ATTEMPTS}, oldest first.`,
        extensions: { maxItems: MAX_ATTEMPTS },
      }),
    }),
  });
}

/** For the field of a job. */
export const DELIVERIES = {
  nullable: true,
  description: `How its ends were told to the webhook of its submission, newest first, at most ${MAX_DELIVERIES}. For its caller and admins.`,
  extensions: { maxItems: MAX_DELIVERIES },
} as const;

export function addWebhooks(builder: Builder, delivery: DeliveryObject): void {
  const previous = builder.objectRef<WebhookSecret['previous'][number]>('PreviousWebhookSecret').implement({
    description: 'A secret that was replaced.',
    fields: (t) => ({
      secret: t.exposeString('secret'),
      validUntil: t.expose('validUntil', { type: 'DateTime', description: 'It signs as well until then.' }),
    }),
  });
  const secret = builder.objectRef<WebhookSecret>('WebhookSecret').implement({
    description: "The caller's own secret, by which receivers verify what they get.",
    fields: (t) => ({
      secret: t.exposeString('secret', { description: 'What signs the webhooks of the caller: `whsec_` and base64.' }),
      rotatedAt: t.expose('rotatedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When it replaced the one before; null for the first one.',
      }),
      previous: t.expose('previous', { type: [previous], description: 'Newest first.', extensions: { maxItems: 3 } }),
    }),
  });
  const rotation = builder.objectRef<WebhookSecretRotation>('WebhookSecretRotation').implement({
    description: 'That a secret was replaced. Its caller reads the new one as `webhookSecret`.',
    fields: (t) => ({
      caller: t.exposeString('caller', { description: 'Whose secret.' }),
      previousValidUntil: t.expose('previousValidUntil', {
        type: 'DateTime',
        description: 'Until when the one before signs as well.',
      }),
    }),
  });
  builder.queryField('webhookSecret', (t) =>
    t.field({
      type: secret,
      nullable: true,
      extensions: { access: { scope: 'submit' } },
      description: "The caller's own secret, by which its receivers verify webhooks (Standard Webhooks 1.0.0).",
      resolve: (_, _args, { service, caller }) => service.webhookSecret(caller),
    }),
  );
  builder.mutationFields((t) => ({
    redeliverWebhook: t.field({
      type: delivery,
      nullable: true,
      extensions: { access: { scope: 'submit' } },
      description:
        'Sends a delivery again at once, with all its attempts and the same id. One that is being sent at this moment stays as it is.',
      args: { jobId: t.arg.id({ required: true }), deliveryId: t.arg.id({ required: true }) },
      resolve: (_, { jobId, deliveryId }, { service, caller }) => service.redeliver(jobId, deliveryId, caller),
    }),
    rotateWebhookSecret: t.field({
      type: rotation,
      nullable: true,
      extensions: { access: { scope: 'admin' } },
      description: 'Replaces a secret, for admins. Both sign for a day.',
      args: { caller: t.arg.string({ description: 'Whose: the id of a caller. By default, the own one.' }) },
      resolve: (_, args, { service, caller }) =>
        service.rotateWebhookSecret(caller, parseInput(rotateSchema, args).caller ?? undefined),
    }),
  }));
}
