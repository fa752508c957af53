/** Tells what runs to stop, once and for one reason: the first. A class, because a literal's getters take longer than all that an attempt does. */
export class Stop {
  #reason: Error | undefined;
  #controller: AbortController | undefined;
  #reject: ((reason: Error) => void) | undefined;

  /** Undefined until then. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** For a function that takes one. It is made when it is asked for: most functions never do. */
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

  /** What the promise comes to, or a rejection with the reason as soon as there is one. To be called once. */
  unlessStopped<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== undefined) reject(this.#reason);
      this.#reject = reject;
      promise.then(resolve, reject);
    });
  }
}
