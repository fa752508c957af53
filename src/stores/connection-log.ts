import type { Logger } from '../core/ports.ts';

/** Logs what goes wrong with a store once, and not at each try to reach it again. */
export function createConnectionLog(logger: Logger): { failed(error: Error): void; recovered(): void } {
  let last: string | undefined;
  return {
    failed(error) {
      const reason = ('code' in error && typeof error.code === 'string' && error.code) || error.message || error.name;
      if (reason === last) return;
      last = reason;
      logger.warn({ reason }, 'trouble with the store; trying on');
    },
    recovered() {
      if (last === undefined) return;
      last = undefined;
      logger.info({}, 'the store can be reached again');
    },
  };
}
