import { randomBytes } from 'node:crypto';
import type { QueueBackend } from './backend.ts';

/** The secret is read again after so many milliseconds. */
const MAX_AGE_MS = 1000;

/** 256 random bits. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** A random text that all processes on one store share. */
export interface StoreSecret {
  load(): Promise<void>;
  /** The last one read, while it is read again in the background, so that a reply needs no further answer of the store. */
  current(): string;
}

/**
 * Caches the secret and reads it again regularly: a Redis that lost its data gets the secret back from the first process that reads, and
 * all others then read that one.
 * @param readStored stores its argument if the store has no secret
 */
export function keepSecret(readStored: QueueBackend['readSecret']): StoreSecret {
  let known = newSecret();
  let readAt = -Infinity;
  let loading: Promise<void> | undefined;

  async function load(): Promise<void> {
    known = await readStored(known);
    readAt = performance.now();
  }

  return {
    load,
    current() {
      if (performance.now() - readAt > MAX_AGE_MS) {
        loading ??= load()
          .catch(() => undefined)
          .finally(() => (loading = undefined));
      }
      return known;
    },
  };
}
