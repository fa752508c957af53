/** Gives one holder at a time its turn, in the order they asked. */
export class SessionLock {
  #last: Promise<void> = Promise.resolve();

  /** Resolves, when it is this holder's turn, to the function that ends it. */
  async acquire(): Promise<() => void> {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const turn = this.#last;
    this.#last = turn.then(() => over);
    await turn;
    return end;
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    const end = await this.acquire();
    try {
      return await work();
    } finally {
      end();
    }
  }
}
