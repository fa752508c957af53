import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import type { RunningServer } from '../support/server-process.ts';
import { rounds } from './rounds.ts';
import { expectNothingWrong, expectQuickRecovery, recovers, runFault } from './run-fault.ts';
import { DURABLE_REDIS, STORES, startRedisStore, startSmallPostgresStore } from './stores.ts';
import { type System, startSystem } from './system.ts';

/** Refused submissions and reads on both APIs while the fault lasts. */
const SOME = 40;
/** The contract's. */
const FAIL_FAST_MS = 2000;
/** While the store is unavailable, requests are refused quickly. */
async function refusesQuickly({ ledger }: System): Promise<void> {
  ledger.takeSlowestMs();
  const before = ledger.refusals();
  await poll(
    async () => ledger.refusals() - before,
    (refused) => refused >= SOME,
  );
  expect(ledger.takeSlowestMs()).toBeLessThan(FAIL_FAST_MS);
}

async function killAndStart(server: RunningServer, system: System) {
  await server.kill();
  system.ledger.cutOff();
  await refusesQuickly(system);
  await server.start();
  return recovers(system);
}

describe.each(rounds(['redis', 'postgres']))('on $backend, round $round', ({ backend }) => {
  it('a store that is killed and restarted loses nothing, and the system recovers without intervention', async ({
    task,
  }) => {
    const { server, queueUrl } = await STORES[backend]();
    const system = await startSystem({ queueUrl });
    const act = () => killAndStart(server, system);
    const verdict = await runFault({ fault: 'store killed', backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });

  it('a store that hangs leads to refusals within 2 s, and no refused job runs later', async ({ task }) => {
    const { server, queueUrl } = await STORES[backend]();
    const system = await startSystem({ queueUrl });
    const act = async () => {
      const resume = server.suspend();
      onTestFinished(resume);
      // A store that stops between a write and its reply has the job, and the caller is refused.
      system.ledger.cutOff();
      await refusesQuickly(system);
      resume();
      return recovers(system);
    };
    const verdict = await runFault({ fault: 'store hangs', backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });
});

describe.each(rounds(['redis']))('on $backend, round $round', ({ backend }) => {
  it('a killed Redis with appendfsync everysec loses nothing, because the page cache survives', async ({ task }) => {
    const { server, queueUrl } = await startRedisStore([...DURABLE_REDIS, '--appendfsync', 'everysec']);
    const system = await startSystem({ queueUrl });
    const act = () => killAndStart(server, system);
    const verdict = await runFault({ fault: 'store killed, everysec', backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });

  it('a Redis that is out of memory leads to refusals, and the system recovers when memory is free', async ({
    task,
  }) => {
    const { server, queueUrl } = await startRedisStore();
    const system = await startSystem({ queueUrl });
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const act = async () => {
      await admin.config('SET', 'maxmemory', '1mb');
      await refusesQuickly(system);
      await admin.config('SET', 'maxmemory', '0');
      return recovers(system);
    };
    const verdict = await runFault({ fault: 'out of memory', backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });

  it('a Redis that cannot write its snapshot leads to refusals, and the system recovers when it can', async ({
    task,
  }) => {
    const { server, queueUrl } = await startRedisStore([
      ...DURABLE_REDIS,
      '--save',
      '3600 1',
      '--enable-protected-configs',
      'yes',
    ]);
    const system = await startSystem({ queueUrl });
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const snapshot = async (folder: string, status: string): Promise<void> => {
      await admin.config('SET', 'dir', folder);
      await admin.bgsave();
      await poll(
        () => admin.info('persistence'),
        (info) => info.includes(`rdb_last_bgsave_status:${status}`) && info.includes('rdb_bgsave_in_progress:0'),
      );
    };
    const act = async () => {
      // No file can be created there.
      await snapshot('/proc', 'err');
      await refusesQuickly(system);
      await snapshot(server.folder, 'ok');
      return recovers(system);
    };
    const verdict = await runFault({ fault: 'cannot write its snapshot', backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });
});

// Only Linux lets an unprivileged user mount a disk.
describe.runIf(process.platform === 'linux').each(rounds(['postgres']))('on $backend, round $round', ({ backend }) => {
  it('a PostgreSQL whose disk is full leads to refusals, and the system recovers when there is room', async ({
    task,
  }) => {
    const { queueUrl, fillDisk } = await startSmallPostgresStore();
    const system = await startSystem({ queueUrl });
    const act = async () => {
      const makeRoom = await fillDisk();
      await refusesQuickly(system);
      await makeRoom();
      return recovers(system);
    };
    const verdict = await runFault({ fault: 'disk full', backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });
});
