/** A place that a job waits at until a test lets it on. */
export interface Gate {
  /** Resolves when the job is there. */
  readonly reached: Promise<void>;
  /** Resolves when it is open. */
  readonly opened: Promise<void>;
  open(): void;
  /** What the job does there. */
  pass(): Promise<void>;
}

export function createGate(): Gate {
  const arrival = Promise.withResolvers<void>();
  const opening = Promise.withResolvers<void>();
  return {
    reached: arrival.promise,
    opened: opening.promise,
    open: opening.resolve,
    async pass() {
      arrival.resolve();
      await opening.promise;
    },
  };
}
