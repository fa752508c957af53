import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

const DEADLINE_MS = 100_000;
const ASK_AGAIN_MS = 50;

/** Polls until a value is accepted; fails after 100 s. */
export async function poll<T>(ask: () => Promise<T>, accept: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (accept(answer)) return answer;
    if (Date.now() > deadline) expect.fail(`still ${JSON.stringify(answer)} after ${DEADLINE_MS} ms`);
    await delay(ASK_AGAIN_MS);
  }
}
