import { randomBytes } from 'node:crypto';
import type { QueueBackend } from './backend.ts';

/** How long it is used before it is read again, in milliseconds. */
const MAX_AGE_MS = 1000;

/** A random text that all processes on one store share. */
export interface StoreSecret {
  load(): Promise<void>;
  /** The last one read. An old one serves while it is read again: what was accepted needs no other answer of the store. */
  current(): string;
}

/**
 * The secret, read again now and then: a Redis that lost its data gets it back from the first process that notices, and all others
 * hear of it before long.
 * @param readStored stores what it is given where the store has none
 */
export function keepSecret(readStored: QueueBackend['readSecret']): StoreSecret {
  let known = randomBytes(32).toString('base64url');
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
