import { type Caller, isAdmin, requireScope } from '../access/caller.ts';
import { ServiceError } from '../errors.ts';
import { invalidInput } from '../input/parse-input.ts';
import type { SubmitOptions } from '../input/submit-options.ts';
import type { Job } from '../job.ts';
import { AUDIT, type Logger } from '../ports.ts';
import type { Delivery, DeliveryStore } from './delivery.ts';
import type { WebhookSecret, WebhookSecretRotation, WebhookSecrets } from './secrets.ts';

/** A process's webhooks. */
export interface Webhooks {
  readonly deliveries: DeliveryStore;
  readonly secrets: WebhookSecrets;
  /** Says why nothing would be sent to a URL, as far as the URL alone tells; undefined if it may be. */
  whyRefused(url: string): string | undefined;
}

export interface WebhookService {
  /**
   * How the ends of a job were told to its webhook, newest first. For the job's caller and admins; needs the scope `read`.
   * @param job that the caller may see
   */
  readDeliveries(job: Job, caller: Caller): Promise<readonly Delivery[]>;
  /**
   * Sends a delivery again, at once and with all its attempts. Needs the scope `submit`.
   * @throws ServiceError `not-found`
   */
  redeliver(jobId: string, deliveryId: string, caller: Caller): Promise<Delivery>;
  /** What signs the webhooks of the caller. Needs the scope `submit`. */
  webhookSecret(caller: Caller): Promise<WebhookSecret>;
  /**
   * Replaces a caller's secret. Both sign for a day. Needs the scope `admin`.
   * @param of the id of that caller; undefined: the one who asks
   */
  rotateWebhookSecret(caller: Caller, of: string | undefined): Promise<WebhookSecretRotation>;
}

export interface WebhookServiceOptions {
  /** Undefined: submissions with a webhook are refused. */
  readonly webhooks: Webhooks | undefined;
  readonly logger: Logger;
  /** @throws ServiceError `not-found`, `expired` */
  find(id: string, caller: Caller): Promise<Job>;
}

export function createWebhookService({ webhooks, logger, find }: WebhookServiceOptions): WebhookService {
  function requireWebhooks(): Webhooks {
    if (webhooks === undefined) throw new ServiceError('not-found', 'This server sends no webhooks.');
    return webhooks;
  }
  return {
    async readDeliveries(job, caller) {
      requireScope(caller, 'read');
      // A job without a webhook has none, and asks the store for nothing.
      return job.options?.webhook === undefined ? [] : requireWebhooks().deliveries.read(job);
    },
    async redeliver(jobId, deliveryId, caller) {
      const { id } = requireScope(caller, 'submit');
      const job = await find(jobId, caller);
      const delivery = job.options?.webhook && (await requireWebhooks().deliveries.redeliver(job, deliveryId));
      if (delivery === undefined) throw new ServiceError('not-found', 'The job has no delivery with this id.');
      if (isAdmin(caller) && id !== job.caller)
        logger.info({ action: 'redeliver', caller: id, jobId, owner: job.caller }, AUDIT);
      return delivery;
    },
    async webhookSecret(caller) {
      const { id } = requireScope(caller, 'submit');
      return requireWebhooks().secrets.of(id);
    },
    async rotateWebhookSecret(caller, of) {
      const { id } = requireScope(caller, 'admin');
      const owner = of ?? id;
      const rotation = await requireWebhooks().secrets.rotate(owner);
      logger.info({ action: 'rotate webhook secret', caller: id, owner }, AUDIT);
      return rotation;
    },
  };
}

/**
 * Refuses a webhook to which nothing would be sent.
 * @throws ServiceError `invalid-input`
 */
export function checkWebhook(
  webhooks: Webhooks | undefined,
  { given, path = [] }: { readonly given?: SubmitOptions | undefined; readonly path?: readonly string[] } = {},
): void {
  if (given?.webhook == null) return;
  const reason = webhooks === undefined ? 'This server sends no webhooks' : webhooks.whyRefused(given.webhook);
  if (reason !== undefined) throw invalidInput([{ path: [...path, 'webhook'], message: reason }]);
}
