import { afterAll, expect } from 'vitest';

afterAll(() => {
  // The hook sets it.
  const { __writeReached } = globalThis as unknown as { __writeReached(testFile: string): void };
  __writeReached(expect.getState().testPath ?? '');
});
