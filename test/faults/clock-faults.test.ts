import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { createStore } from '../support/stores.ts';
import { rounds } from './rounds.ts';
import { expectNothingWrong, expectQuickRecovery, moreAccepted, recovers, runFault } from './run-fault.ts';
import { programs, startPostgresStore, startRedisStore } from './stores.ts';
import { type System, startSystem } from './system.ts';

/** A fake clock for the processes that are started with its environment. */
interface Clock {
  readonly environment: Readonly<Record<string, string>>;
  /** Sets the offset of the wall clock, in seconds. The monotonic clock, which timers use, is unaffected. */
  jump(seconds: number): void;
}

function createClock(): Clock {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-clock-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'offset');
  const jump = (seconds: number): void => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}s`);
  jump(0);
  return {
    environment: {
      LD_PRELOAD: programs.faketime ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    jump,
  };
}

const HOUR = 3600;
const JUMPS = 3;

/** Expires every key that has a time to live. */
const RUN_OUT = `
  local count = 0
  for _, key in ipairs(redis.call('KEYS', '*')) do
    if redis.call('PTTL', key) > 0 then count = count + redis.call('DEL', key) end
  end
  return count
`;

async function jumpToAndFro(clock: Clock, system: System) {
  for (const offset of [HOUR, -HOUR, 0]) {
    clock.jump(offset);
    await moreAccepted(system);
  }
  return recovers(system);
}

describe.runIf(programs.faketime !== undefined)('a clock that jumps by an hour and back, and behind', () => {
  describe.each(rounds(['redis', 'postgres', 'embedded']))('on $backend, round $round', ({ backend }) => {
    it('of the worker loses nothing', async ({ task }) => {
      const { settings, remove } = await createStore(backend);
      onTestFinished(remove);
      const clock = createClock();
      const system = await startSystem({ queueUrl: settings.QUEUE_URL, workerSettings: clock.environment });
      const act = () => jumpToAndFro(clock, system);
      const verdict = await runFault({ fault: "worker's clock jumps", backend, system, task, act });
      expectNothingWrong(verdict);
      expectQuickRecovery(task.meta.fault);
    });
  });

  describe.each(rounds(['postgres']))('on $backend, round $round', ({ backend }) => {
    it('of the store loses nothing', async ({ task }) => {
      const clock = createClock();
      const { queueUrl } = await startPostgresStore(clock.environment);
      const system = await startSystem({ queueUrl });
      const act = () => jumpToAndFro(clock, system);
      const verdict = await runFault({ fault: "store's clock jumps", backend, system, task, act });
      expectNothingWrong(verdict);
      expectQuickRecovery(task.meta.fault);
    });
  });
});

describe.each(rounds(['redis']))('on $backend, round $round', ({ backend }) => {
  // libfaketime does not work with Redis' allocator. Redis uses its clock only to expire keys.
  it("a store's clock that jumps ahead, so that every key with a time to live expires, loses nothing", async ({
    task,
  }) => {
    const { server, queueUrl } = await startRedisStore();
    const system = await startSystem({ queueUrl });
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const act = async () => {
      for (let jumps = 0; jumps < JUMPS; jumps += 1) {
        await poll(
          async () => Number(await admin.eval(RUN_OUT, 0)),
          (count) => count > 0,
        );
        await moreAccepted(system);
      }
      return recovers(system);
    };
    const verdict = await runFault({ fault: "store's clock jumps", backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });
});
