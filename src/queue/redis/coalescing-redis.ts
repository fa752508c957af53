import { Redis } from 'ioredis';

/** Commands of one turn of the event loop that leave together: with more, Redis would wait for them, and then this process for Redis. */
const AT_ONCE = 6;

/** A client whose commands of one turn share a few writes to the socket, each of which costs about as much as a command itself. */
export class CoalescingRedis extends Redis {
  #corked: Redis['stream'] | undefined;
  #held = 0;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    // There is none before the client connects.
    const stream = this.stream as Redis['stream'] | undefined;
    if (this.#corked === undefined && stream !== undefined) {
      stream.cork();
      this.#corked = stream;
      process.nextTick(() => this.#release());
    }
    const answer = super.sendCommand(...args);
    this.#held += 1;
    if (this.#held % AT_ONCE === 0) {
      this.#corked?.uncork();
      this.#corked?.cork();
    }
    return answer;
  }

  #release(): void {
    this.#corked?.uncork();
    this.#corked = undefined;
    this.#held = 0;
  }
}
