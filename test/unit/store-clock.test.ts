import { describe, expect, it } from 'vitest';
import { createStoreClock } from '../../src/queue/store-clock.ts';

const HOUR = 3_600_000;

/** A store that accepts writes within their deadline by its own clock, which is off by `skew`. */
function setUp(skew: number) {
  const store = { skew };
  const time = (): number => Date.now() + store.skew;
  const clock = createStoreClock(async () => time());
  const write = async (deadline: number): Promise<string> => {
    if (time() > deadline) throw new Error('LATE by the clock of the store');
    return 'done';
  };
  return { store, clock, write };
}

describe('the clock of a store', () => {
  it.each([0, HOUR, -HOUR])('does not affect deadlines when it is off by %i ms', async (skew) => {
    const { clock, write } = setUp(skew);
    expect(await clock.within(performance.now() + 1000, write)).toBe('done');
    await expect(clock.within(performance.now() - 1, write)).rejects.toThrow('LATE');
  });

  it('may jump forward: a write that is late by the old offset only is still made', async () => {
    const { store, clock, write } = setUp(0);
    await clock.within(performance.now() + 1000, write);
    store.skew = HOUR;
    expect(await clock.within(performance.now() + 1000, write)).toBe('done');
  });

  it('may differ after a reconnect', async () => {
    const { store, clock, write } = setUp(0);
    await clock.within(performance.now() + 1000, write);
    store.skew = -HOUR;
    clock.forget();
    await expect(clock.within(performance.now() - 1, write)).rejects.toThrow('LATE');
  });

  it('is read once for concurrent writes', async () => {
    let asked = 0;
    const clock = createStoreClock(async () => {
      asked += 1;
      return Date.now();
    });
    await Promise.all(Array.from({ length: 10 }, () => clock.within(performance.now() + 1000, async () => undefined)));
    expect(asked).toBe(1);
  });
});
