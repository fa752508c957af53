import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkItems } from '../../src/core/batch/check-items.ts';
import { countItems } from '../../src/core/batch/submit-batch.ts';
import { defineJob } from '../../src/core/define-job.ts';

const text = z.object({ text: z.string() });
const type = defineJob({
  name: 'echo',
  collection: 'echoes',
  description: '',
  input: text,
  result: text,
  run: (input) => input,
});

describe('the items of a batch', () => {
  it('are checked in slices, between which others have their turn', async () => {
    const slow = defineJob({
      ...type,
      input: text.refine(() => {
        const until = performance.now() + 3;
        while (performance.now() < until);
        return true;
      }),
    });
    let turns = 0;
    const count = setInterval(() => (turns += 1), 0);
    const batches = Array.from({ length: 3 }, () =>
      checkItems(
        slow,
        Array.from({ length: 10 }, () => ({ text: '' })),
        false,
      ),
    );
    const checked = await Promise.all(batches);
    clearInterval(count);
    expect(checked.flat().every(({ error }) => error === undefined)).toBe(true);
    // At most two items of one batch are checked in a row.
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  it('list at most 1,000 issues together, and each its first one', async () => {
    const wrong = Object.fromEntries(Array.from({ length: 19 }, (_, index) => [`field${index}`, 1]));
    const checked = await checkItems(
      type,
      Array.from({ length: 100 }, () => wrong),
      false,
    );
    const listed = checked.map(({ error }) => error?.issues.length ?? 0);
    expect(listed[0]).toBe(20);
    expect(listed.reduce((sum, each) => sum + each, 0)).toBe(1000);
    expect(checked.at(-1)?.error?.message).toMatch(/^text: /);
  });

  it.each([
    [1, 0],
    [100, 0],
    [101, 1],
    [1000, 9],
  ])('%d count as %d more requests', async (items, more) => {
    let counted = 0;
    await countItems(items, { countMore: async () => void (counted += 1) });
    expect(counted).toBe(more);
  });
});
