/** How long a measurement is used before it is made again, in milliseconds: clocks drift, and are set. */
const MAX_AGE_MS = 5000;
/** What a store's answer begins with when a write came after its deadline, and was not done. */
export const LATE = 'LATE';

/** Tells a store by its own clock until when it may do what it is told. */
export interface StoreClock {
  /**
   * Runs a write that the store itself refuses when it gets to it too late, so that nobody's refusal is done later. Clocks may
   * have been set: one that is late by the store's clock alone is tried again.
   * @param deadline in milliseconds of `performance.now()`
   * @param write is given the deadline in milliseconds since 1970 by the store's clock, and throws what begins with `LATE`
   */
  within<T>(deadline: number, write: (storeDeadline: number) => Promise<T>): Promise<T>;
  /** For a connection that may lead to another server now. */
  forget(): void;
}

/** @param readTime the store's time, in milliseconds since 1970 */
export function createStoreClock(readTime: () => Promise<number>): StoreClock {
  let measured: { readonly offset: number; readonly at: number } | undefined;
  let measuring: Promise<void> | undefined;

  async function measure(): Promise<void> {
    const time = await readTime();
    const at = performance.now();
    // The store read its clock before: so the deadline is early by as much as the answer took, and never late.
    measured = { offset: time - at, at };
  }

  const measureOnce = (): Promise<void> => {
    measuring ??= measure().finally(() => (measuring = undefined));
    return measuring;
  };

  async function toStoreTime(deadline: number): Promise<number> {
    if (measured === undefined) await measureOnce();
    // The old one serves meanwhile; a failure shows in the write.
    else if (performance.now() - measured.at > MAX_AGE_MS) measureOnce().catch(() => undefined);
    return Math.floor(deadline + (measured?.offset ?? 0));
  }

  return {
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
