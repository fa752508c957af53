/** Something took longer than it may. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Rejects when a promise takes longer than `ms` milliseconds; what it does goes on unheard. */
export async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timeOut = (): void => reject(new DeadlineError(`no answer within ${ms} ms`));
  // A process that was busy for longer than that may have the answer in its sockets, and reads it first.
  const timer = setTimeout(() => setImmediate(timeOut), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a promise is fulfilled within `ms` milliseconds. Rejects when the promise does in that time. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  try {
    await withDeadline(promise, ms);
    return true;
  } catch (error) {
    if (error instanceof DeadlineError) return false;
    throw error;
  }
}
