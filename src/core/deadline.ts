/** An operation exceeded its deadline. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Rejects when a promise takes longer than `ms` milliseconds. The operation itself continues, and its outcome is ignored. */
export async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timeOut = (): void => reject(new DeadlineError(`no answer within ${ms} ms`));
  // After a long busy period the answer may be waiting in a socket: setImmediate lets it be read first.
  const timer = setTimeout(() => setImmediate(timeOut), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Shares the answer to a question among all who ask while it is on its way, and for `ms` milliseconds from when it was asked. */
export function shareFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let last: { readonly answer: Promise<T>; readonly askedAt: number; settled: boolean } | undefined;
  return () => {
    if (last !== undefined && (!last.settled || performance.now() < last.askedAt + ms)) return last.answer;
    const asked = { answer: ask(), askedAt: performance.now(), settled: false };
    const settle = (): void => void (asked.settled = true);
    asked.answer.then(settle, settle);
    last = asked;
    return asked.answer;
  };
}

/** Whether a promise is fulfilled within `ms` milliseconds. Rejects if the promise rejects in that time. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  try {
    await withDeadline(promise, ms);
    return true;
  } catch (error) {
    if (error instanceof DeadlineError) return false;
    throw error;
  }
}
