import { expect, it, onTestFinished } from 'vitest';
import type { Interruption } from '../../src/core/attempt/attempt.ts';
import { createRunningJobs, watchLocks } from '../../src/queue/worker/running-jobs.ts';

it('a running job whose lock was not renewed in time is interrupted as lost, and no other job is', async () => {
  const running = createRunningJobs();
  const interrupted: string[] = [];
  const lost = new Promise<Interruption>((resolve) => running.add('silent', resolve));
  running.add('renewed', (why) => void interrupted.push(why));
  const renew = setInterval(() => running.lockedAgain(['renewed']), 10);
  onTestFinished(() => clearInterval(renew));
  onTestFinished(watchLocks(running, 400));
  expect(await lost).toBe('lost');
  expect(interrupted).toEqual([]);
});
