import { hkdfSync } from 'node:crypto';
import { z } from 'zod';
import type { JobQueue } from '../ports.ts';
import type { DeliveryStore } from './delivery.ts';

/** Separates these secrets from later forms, and from other keys derived from the queue's secret. */
const VERSION = 'accepted webhook 1';
/** How long a secret that was replaced still signs: a day, in which receivers take over the new one. */
const OVERLAP_MS = 86_400_000;
/** The most secrets that sign at once, however often they are replaced in a day. */
const MAX_SECRETS = 4;

/** Base64 of 32 bytes (Standard Webhooks 1.0.0, section "Signature scheme"). */
const secretSchema = z.string().regex(/^whsec_[A-Za-z0-9+/]{43}=$/);

export const webhookSecretSchema = z
  .object({
    secret: secretSchema.describe('What signs the webhooks of the caller.'),
    rotatedAt: z.date().nullable().describe('When it replaced the one before; null for the first one.'),
    previous: z
      .array(z.object({ secret: secretSchema, validUntil: z.date() }))
      .describe('What signs as well for a day after it was replaced, newest first.'),
  })
  .meta({ id: 'WebhookSecret', description: "The caller's own secret, by which receivers verify what they get." });
export type WebhookSecret = Readonly<z.output<typeof webhookSecretSchema>>;

export const webhookSecretRotationSchema = z
  .object({
    caller: z.string().describe('Whose secret was replaced.'),
    previousValidUntil: z.date().describe('Until when the one before signs as well.'),
  })
  .meta({ id: 'WebhookSecretRotation' });
export type WebhookSecretRotation = Readonly<z.output<typeof webhookSecretRotationSchema>>;

function secretOf(root: string, caller: string, count: number): string {
  return `whsec_${Buffer.from(hkdfSync('sha256', root, '', `${VERSION}\n${count}\n${caller}`, 32)).toString('base64')}`;
}

export interface WebhookSecrets {
  of(caller: string): Promise<WebhookSecret>;
  /** Replaces the caller's secret by the next one. */
  rotate(caller: string): Promise<WebhookSecretRotation>;
}

/** Nothing of a secret is stored: it comes from the store's own secret, the caller's id, and how often it was replaced. */
export function createWebhookSecrets(
  queue: Pick<JobQueue, 'readSecret'>,
  store: Pick<DeliveryStore, 'readRotations' | 'storeRotations'>,
): WebhookSecrets {
  return {
    async of(caller) {
      const root = await queue.readSecret();
      const { count, times } = await store.readRotations(caller);
      const previous = times
        .map((at, index) => ({
          secret: secretOf(root, caller, count - index - 1),
          validUntil: new Date(at.getTime() + OVERLAP_MS),
        }))
        .filter(({ validUntil }) => validUntil.getTime() > Date.now());
      return { secret: secretOf(root, caller, count), rotatedAt: times[0] ?? null, previous };
    },
    async rotate(caller) {
      const { count, times } = await store.readRotations(caller);
      const now = new Date();
      // Two at the same time make the same one.
      await store.storeRotations(caller, {
        count: count + 1,
        times: [now, ...times].slice(0, MAX_SECRETS - 1),
      });
      return { caller, previousValidUntil: new Date(now.getTime() + OVERLAP_MS) };
    },
  };
}
