import { withDeadline } from '../core/deadline.ts';
import type { Logger } from '../core/ports.ts';
import { EXPIRED_AT_ONCE, type QueueBackend } from './backend.ts';

/** Milliseconds between two looks: how long a poller reads Pending of a job whose time is over, and which no worker will start. */
const INTERVAL_MS = 1000;
/** A look without an answer is given up after so many milliseconds. */
const DEADLINE_MS = 3000;

export interface ExpiryOptions {
  readonly backend: QueueBackend;
  /** Names of the job types, also of those whose files are gone. */
  readonly types: readonly string[];
  readonly logger: Logger;
}

/**
 * Ends jobs of which no attempt began in time, from now on, whether or not there are workers. Readers could reckon that by themselves, but
 * lists, counts and events read the store: what it has is the same for all of them.
 * @returns stops it
 */
export function startExpiry({ backend, types, logger }: ExpiryOptions): () => void {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  async function endAll(): Promise<void> {
    const ids = await withDeadline(backend.expire(types), DEADLINE_MS);
    for (const jobId of ids) logger.info({ jobId }, 'job expired');
    if (ids.length >= EXPIRED_AT_ONCE && !closed) await endAll();
  }
  async function look(): Promise<void> {
    try {
      await endAll();
    } catch (error) {
      logger.debug({ err: error }, 'could not end expired jobs');
    }
    if (!closed) timer = setTimeout(() => void look(), INTERVAL_MS).unref();
  }
  void look();
  return () => {
    closed = true;
    clearTimeout(timer);
  };
}
