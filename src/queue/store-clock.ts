/** A measurement is repeated after so many milliseconds, because clocks drift and are set. */
const MAX_AGE_MS = 5000;
/** How a store's error begins when it refused a write after its deadline. */
export const LATE = 'LATE';

/** Translates the deadlines of writes to the clock of the store. */
export interface StoreClock {
  /** The store's time as last measured, in milliseconds since 1970; this process's until then. */
  now(): number;
  /** Reads the time, so that `now` is right from then on. */
  measure(): Promise<void>;
  /**
   * Runs a write that the store itself refuses after the deadline, so that a write that was reported as failed does not happen later.
   * A write that is late only because a clock was set is tried again.
   * @param deadline in milliseconds of `performance.now()`
   * @param write is given the deadline in milliseconds since 1970 by the store's clock, and throws what begins with `LATE`
   */
  within<T>(deadline: number, write: (storeDeadline: number) => Promise<T>): Promise<T>;
  /** To be called after a reconnect, which may have reached another server. */
  forget(): void;
}

/** @param readTime the store's time, in milliseconds since 1970 */
export function createStoreClock(readTime: () => Promise<number>): StoreClock {
  let measured: { readonly offset: number; readonly at: number } | undefined;
  let measuring: Promise<void> | undefined;

  async function measure(): Promise<void> {
    const time = await readTime();
    const at = performance.now();
    // The store read its clock before the answer arrived, so the deadline is early by up to that time, and never late.
    measured = { offset: time - at, at };
  }

  const measureOnce = (): Promise<void> => {
    measuring ??= measure().finally(() => (measuring = undefined));
    return measuring;
  };

  async function toStoreTime(deadline: number): Promise<number> {
    if (measured === undefined) await measureOnce();
    // The old measurement is used meanwhile. If the store is unavailable, the write fails.
    else if (performance.now() - measured.at > MAX_AGE_MS) measureOnce().catch(() => undefined);
    return Math.floor(deadline + (measured?.offset ?? 0));
  }

  return {
    measure: measureOnce,
    now() {
      if (measured === undefined || performance.now() - measured.at > MAX_AGE_MS) measureOnce().catch(() => undefined);
      return measured === undefined ? Date.now() : performance.now() + measured.offset;
    },
    async within(deadline, write) {
      try {
        return await write(await toStoreTime(deadline));
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith(LATE)) throw error;
        await measureOnce();
        if (performance.now() >= deadline) throw error;
        return write(await toStoreTime(deadline));
      }
    },
    forget() {
      measured = undefined;
    },
  };
}
