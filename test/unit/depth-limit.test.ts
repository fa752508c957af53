import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DepthLimit, createDepthLimit } from '../../src/core/service/depth-limit.ts';
import { createLogger } from '../../src/observability/logger.ts';

const MAX = 3;
const logger = createLogger('silent');

/** A store whose depth is the number of jobs that have reached it. Additions stay in flight until a test lets them arrive. */
class Store {
  depth = 0;
  reads = 0;
  readonly arrivals: (() => void)[] = [];
  /** The values that the next reads return, or the errors that they throw. */
  read = async (): Promise<number> => this.depth;

  readDepth = async (): Promise<number> => {
    this.reads += 1;
    return this.read();
  };

  /** An addition that is stored and answered when it arrives. */
  add = async (): Promise<'added'> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.arrivals.push(resolve);
    await promise;
    this.depth += 1;
    return 'added';
  };

  async arrive(): Promise<void> {
    for (const arrival of this.arrivals.splice(0)) arrival();
    await settle();
  }
}

const refuse = async (): Promise<'refused'> => 'refused';

/** Lets all promises that can settle do so. */
const settle = async (): Promise<void> => {
  await new Promise(setImmediate);
};

describe('the depth limit', () => {
  let store: Store;
  let limit: DepthLimit;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    store = new Store();
    limit = createDepthLimit(store, MAX, logger);
  });
  afterEach(() => void vi.useRealTimers());

  const add = (type = 'book'): Promise<'added' | 'refused'> => limit.add<'added' | 'refused'>(type, store.add, refuse);
  /** Adds a job that the store has when this resolves. */
  const addNow = async (type = 'book'): Promise<'added' | 'refused'> => {
    const adding = add(type);
    await settle();
    await store.arrive();
    return adding;
  };
  const pass = (ms: number): void => void vi.advanceTimersByTime(ms);

  it('counts what this process added since the depth was read', async () => {
    for (let count = 0; count < MAX; count += 1) expect(await addNow()).toBe('added');
    expect(store.reads).toBe(1);
    expect(await addNow()).toBe('refused');
    expect(store.depth).toBe(MAX);
  });

  it('adds several jobs together, or none of them', async () => {
    const addMany = (jobs: number) => limit.add<'added' | 'refused'>('book', store.add, refuse, jobs);
    expect(await addMany(MAX + 1)).toBe('refused');
    const adding = addMany(MAX - 1);
    await settle();
    expect(await addMany(2)).toBe('refused');
    const last = add();
    await settle();
    expect(await add()).toBe('refused');
    await store.arrive();
    expect(await Promise.all([adding, last])).toEqual(['added', 'added']);
  });

  it('admits no more than there is room for, however many submissions wait for the same read', async () => {
    const adding = Array.from({ length: 3 * MAX }, () => add());
    await settle();
    await store.arrive();
    const outcomes = await Promise.all(adding);
    expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(MAX);
    expect(store.reads).toBe(1);
  });

  it('counts additions in flight, which a read does not include', async () => {
    store.depth = 1;
    const inFlight = [add()];
    await settle();
    pass(1001);
    // Reads a depth of 1: the first addition has not arrived.
    inFlight.push(add());
    await settle();
    expect(store.reads).toBe(2);
    // Full by that count, so the depth is read before the answer. It is still 1, with two additions in flight.
    pass(101);
    expect(await add()).toBe('refused');
    expect(store.reads).toBe(3);
    await store.arrive();
    expect(await Promise.all(inFlight)).toEqual(['added', 'added']);
    expect(store.depth).toBe(MAX);
  });

  it('counts no addition twice after it has arrived', async () => {
    expect(await addNow()).toBe('added');
    pass(1001);
    expect(await addNow()).toBe('added');
    pass(1001);
    expect(await addNow()).toBe('added');
    expect(store.depth).toBe(MAX);
  });

  it('reads a depth that leaves room at most once a second, without waiting for it', async () => {
    expect(await addNow()).toBe('added');
    pass(1000);
    expect(await addNow()).toBe('added');
    expect(store.reads).toBe(1);
    pass(1);
    store.read = () => new Promise(() => undefined);
    expect(await addNow()).toBe('added');
    expect(store.reads).toBe(2);
  });

  it('reads the depth of a full queue at most ten times a second, and admits a job once there is room', async () => {
    for (let count = 0; count < MAX; count += 1) await addNow();
    pass(101);
    expect(await add()).toBe('refused');
    expect(store.reads).toBe(2);
    store.depth -= 1;
    pass(100);
    expect(await add()).toBe('refused');
    expect(store.reads).toBe(2);
    pass(1);
    expect(await addNow()).toBe('added');
    expect(store.reads).toBe(3);
  });

  it('frees the place of an addition that failed', async () => {
    const fail = async (): Promise<never> => {
      throw new Error('not stored');
    };
    for (let count = 0; count < MAX; count += 1) {
      await expect(limit.add('book', fail, refuse)).rejects.toThrow('not stored');
    }
    pass(101);
    expect(await addNow()).toBe('added');
  });

  it('rejects while the first read fails, and reads again for the next submission', async () => {
    store.read = async () => {
      throw new Error('unavailable');
    };
    await expect(add()).rejects.toThrow('unavailable');
    store.read = async () => 0;
    expect(await addNow()).toBe('added');
  });

  it('admits jobs while a read in the background fails', async () => {
    expect(await addNow()).toBe('added');
    pass(1001);
    store.read = async () => {
      throw new Error('unavailable');
    };
    expect(await addNow()).toBe('added');
    await settle();
    expect(await addNow()).toBe('added');
  });

  it('is one for each job type', async () => {
    for (let count = 0; count < MAX; count += 1) await addNow();
    expect(await addNow()).toBe('refused');
    store.read = async () => 0;
    expect(await addNow('bookImport')).toBe('added');
  });

  it('knows 10,000 queues or callers, and forgets the one that was not used for longest', async () => {
    const addTo = (name: string): Promise<string> => limit.add<string>(name, async () => 'added', refuse);
    await addTo('first');
    await addTo('second');
    await addTo('first');
    for (let index = 2; index < 10_000; index += 1) await addTo(`caller-${index}`);
    expect(store.reads).toBe(10_000);
    await addTo('first');
    expect(store.reads).toBe(10_000);
    await addTo('one-too-many');
    // Known before, but not any more.
    await addTo('second');
    expect(store.reads).toBe(10_002);
    await addTo('first');
    expect(store.reads).toBe(10_002);
  });
});
