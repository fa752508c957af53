import type { Logger } from '../core/ports.ts';
import type { QueueBackend } from './backend.ts';

/** Milliseconds between the end of one check and the next. */
const INTERVAL_MS = 30_000;

export interface IndexUpkeepOptions {
  readonly backend: QueueBackend;
  /** Names of the job types. */
  readonly types: readonly string[];
  readonly logger: Logger;
}

/**
 * Keeps the index of lists over all callers complete, from now on.
 * @returns stops it
 */
export function startIndexUpkeep({ backend, types, logger }: IndexUpkeepOptions): () => void {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  async function check(): Promise<void> {
    try {
      await backend.completeIndex(types, () => closed);
    } catch (error) {
      logger.debug({ err: error }, 'could not complete the index of lists');
    }
    if (!closed) timer = setTimeout(() => void check(), INTERVAL_MS).unref();
  }
  void check();
  return () => {
    closed = true;
    clearTimeout(timer);
  };
}
