import { describe, expect, it } from 'vitest';
import { createBatch } from '../../src/queue/batch.ts';

/** Doubles numbers, and records each batch. A 13 fails by itself; a number from 1,000 on fails its whole batch. */
function countedBatches(options: { maxItems?: number; maxSize?: number } = {}) {
  const batches: (readonly number[])[] = [];
  const double = createBatch<number, number>(
    async (numbers) => {
      batches.push(numbers);
      if (numbers.includes(13)) throw new Error('13 is not allowed');
      if (numbers.some((number) => number >= 1000)) throw new RangeError('the store is unavailable');
      return numbers.map((number) => 2 * number);
    },
    { maxItems: 100, sizeOf: (number) => number, isShared: (error) => error instanceof RangeError, ...options },
  );
  return { batches, double };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('requests in one turn of the event loop', () => {
  it('share a batch, and each gets its own result', async () => {
    const { batches, double } = countedBatches();
    const later = Promise.resolve().then(() => double(3));
    expect(await Promise.all([double(1), double(2), later])).toEqual([2, 4, 6]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  it('do not join a batch that has started', async () => {
    const { batches, double } = countedBatches();
    const first = double(1);
    await turn();
    expect(batches).toEqual([[1]]);
    expect(await Promise.all([first, double(2)])).toEqual([2, 4]);
    expect(batches).toEqual([[1], [2]]);
  });

  it('share a batch of bounded number and size; a single one may be larger', async () => {
    const byNumber = countedBatches({ maxItems: 2 });
    await Promise.all([1, 2, 3, 4, 5].map(byNumber.double));
    expect(byNumber.batches).toEqual([[1, 2], [3, 4], [5]]);
    const bySize = countedBatches({ maxSize: 10 });
    await Promise.all([4, 5, 6, 50, 1].map(bySize.double));
    expect(bySize.batches).toEqual([[4, 5], [6], [50], [1]]);
  });

  it('fail individually for a cause of their own', async () => {
    const { batches, double } = countedBatches();
    const results = await Promise.allSettled([double(1), double(13), double(2)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(batches).toEqual([[1, 13, 2], [1], [13], [2]]);
  });

  it('fail together for a shared cause, and the next batch is attempted', async () => {
    const { batches, double } = countedBatches();
    const results = await Promise.allSettled([double(1), double(1000)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(batches).toEqual([[1, 1000]]);
    expect(await double(1)).toBe(2);
  });
});
