import { describe, expect, it, onTestFinished } from 'vitest';
import { type Progress, createProgressWriter } from '../../src/core/attempt/progress.ts';
import { poll } from '../support/follow.ts';
import { signal } from '../support/queue.ts';

const at = (percentComplete: number): Progress => ({ percentComplete, message: null });

describe('the progress of a job', () => {
  it('is written at once, and waited for, as long as there is little of it', async () => {
    const written: number[] = [];
    const { write } = createProgressWriter(async ({ percentComplete }) => void written.push(percentComplete));
    for (let percent = 1; percent <= 10; percent += 1) {
      await write(at(percent));
      expect(written.at(-1)).toBe(percent);
    }
  });

  it('is held back when there is more, and the latest is written in a while', async () => {
    const written: number[] = [];
    const { write } = createProgressWriter(async ({ percentComplete }) => void written.push(percentComplete));
    for (let percent = 1; percent <= 99; percent += 1) await write(at(percent));
    expect(written).toHaveLength(10);
    await poll(
      async () => written.at(-1),
      (last) => last === 99,
    );
    expect(written).toHaveLength(11);
  });

  it('has one write under way at a time, for which nobody waits but who began it', async () => {
    // Of a timer for a time that has passed Node warns.
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const release = signal();
    const written: number[] = [];
    const { write, end } = createProgressWriter(async ({ percentComplete }) => {
      written.push(percentComplete);
      await release.reached;
    });
    const first = write(at(1));
    await write(at(2));
    await write(at(3));
    expect(written).toEqual([1]);
    release.reach();
    await first;
    await end();
    expect(written).toEqual([1, 3]);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(warnings).toEqual([]);
  });

  it('is all written at the end, and nothing after it', async () => {
    const written: number[] = [];
    const { write, end } = createProgressWriter(async ({ percentComplete }) => void written.push(percentComplete));
    for (let percent = 1; percent <= 50; percent += 1) await write(at(percent));
    await end();
    expect(written.at(-1)).toBe(50);
    expect(written).toHaveLength(11);
    await end();
    expect(written).toHaveLength(11);
  });
});
