/** Stops an attempt once: the first reason counts. A class, because object literals with getters cost more than the rest of an attempt. */
export class Stop {
  #reason: Error | undefined;
  #controller: AbortController | undefined;
  #reject: ((reason: Error) => void) | undefined;

  /** Undefined until it is stopped. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Created on first use, because most functions never read it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  stop(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#reject?.(reason);
    this.#controller?.abort(reason);
  }

  /** Settles as the promise does, or rejects with the reason as soon as it is stopped. Call it for one promise after the other. */
  unlessStopped<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== undefined) reject(this.#reason);
      this.#reject = reject;
      promise.then(resolve, reject);
    });
  }
}
