import { describe, expect, it, vi } from 'vitest';
import { shareFor } from '../../src/core/deadline.ts';

describe('an answer that is shared', () => {
  it('is asked for once while it is on its way, and for some time after', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const answers: PromiseWithResolvers<number>[] = [];
      const ask = shareFor(1000, () => {
        const answer = Promise.withResolvers<number>();
        answers.push(answer);
        return answer.promise;
      });
      const first = ask();
      vi.advanceTimersByTime(5000);
      const second = ask();
      expect(answers.length).toBe(1);
      answers[0]?.resolve(1);
      expect(await Promise.all([first, second])).toEqual([1, 1]);
      void ask();
      expect(answers.length).toBe(2);
      answers[1]?.reject(new Error('away'));
      await expect(ask()).rejects.toThrow('away');
      vi.advanceTimersByTime(999);
      await expect(ask()).rejects.toThrow('away');
      vi.advanceTimersByTime(1);
      void ask();
      expect(answers.length).toBe(3);
    } finally {
      vi.useRealTimers();
    }
  });
});
