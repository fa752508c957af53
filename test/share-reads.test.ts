import { describe, expect, it } from 'vitest';
import { shareReads } from '../src/core/share-reads.ts';

/** Reads that are counted, of jobs that there are not. */
function countedReads() {
  const ids: string[] = [];
  const read = shareReads(async (id) => {
    ids.push(id);
    if (id === 'broken') throw new Error('the store is away');
    return undefined;
  });
  return { ids, read: (id: string) => read(id, 'script') };
}

describe('reads of one job', () => {
  it('are one, if they are asked for at a time', async () => {
    const { ids, read } = countedReads();
    await Promise.all([read('a'), read('b'), read('a'), Promise.resolve().then(() => read('a'))]);
    expect(ids).toEqual(['a', 'b']);
  });

  it('are another one, if they are asked for when it has begun', async () => {
    const { ids, read } = countedReads();
    const first = read('a');
    // It begins in this turn of the event loop.
    await new Promise((resolve) => void setImmediate(resolve));
    expect(ids).toEqual(['a']);
    await Promise.all([first, read('a')]);
    expect(ids).toEqual(['a', 'a']);
  });

  it('fail together, and the next one is tried', async () => {
    const { ids, read } = countedReads();
    const results = await Promise.allSettled([read('broken'), read('broken')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(read('broken')).rejects.toThrow('away');
    expect(ids).toEqual(['broken', 'broken']);
  });
});
