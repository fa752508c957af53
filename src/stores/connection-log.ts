import type { Logger } from '../core/ports.ts';

/** Logs one line when a store becomes unavailable, rather than one for each attempt to reconnect. */
export function createConnectionLog(logger: Logger): { failed(error: Error): void; recovered(): void } {
  let last: string | undefined;
  return {
    failed(error) {
      const reason = ('code' in error && typeof error.code === 'string' && error.code) || error.message || error.name;
      if (reason === last) return;
      last = reason;
      logger.warn({ reason }, 'the store is unavailable; retrying');
    },
    recovered() {
      if (last === undefined) return;
      last = undefined;
      logger.info({}, 'the store is available again');
    },
  };
}
