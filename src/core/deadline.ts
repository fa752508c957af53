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
