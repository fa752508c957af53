import { describe, expect, it } from 'vitest';
import { rounds } from './rounds.ts';
import { expectNothingWrong, expectQuickRecovery, recovers, runFault } from './run-fault.ts';
import { startSystem } from './system.ts';
import { startClusterStore, startSentinelStore } from './topologies.ts';

const CASES = {
  'Redis Sentinel': startSentinelStore,
  'Redis Cluster': startClusterStore,
};

describe.each(rounds(['Redis Sentinel', 'Redis Cluster']))('on $backend, round $round', ({ backend }) => {
  it('a killed master loses nothing that its replica has, and the system recovers on the replica', async ({ task }) => {
    const store = await CASES[backend]();
    const system = await startSystem({ queueUrl: store.queueUrl });
    const { acceptances, isDone } = system.ledger;
    // Redis confirms a write before its replicas have it.
    let mayBeGone: string[] = [];
    const act = async () => {
      const unsafeFrom = performance.now();
      await store.replicate();
      const doneBefore = new Set(acceptances.filter(({ jobId }) => isDone(jobId)).map(({ jobId }) => jobId));
      await store.killMaster();
      system.ledger.cutOff();
      mayBeGone = acceptances
        .filter(({ at, jobId }) => at >= unsafeFrom && !doneBefore.has(jobId))
        .map(({ jobId }) => jobId);
      await store.promoted();
      return recovers(system);
    };
    const verdict = await runFault({ fault: 'master killed', backend, system, task, act });
    expectNothingWrong(verdict, mayBeGone);
    expectQuickRecovery(task.meta.fault);
    expect(verdict.refused).toBeGreaterThan(0);
  });
});
