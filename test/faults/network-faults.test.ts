import { describe, it, onTestFinished } from 'vitest';
import { createStore } from '../support/stores.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { rounds } from './rounds.ts';
import { expectNothingWrong, expectQuickRecovery, moreAccepted, recovers, runFault } from './run-fault.ts';
import { type System, startSystem } from './system.ts';

/** In each direction. */
const LATENCY_MS = 100;
const CUTS = 5;
/** A silent connection is detected by the missing reply alone. */
const NOTICED_MS = 10_000;

/** Connects to the queue's store through a proxy. */
async function startBehindProxy(backend: 'redis' | 'postgres'): Promise<{ system: System; proxy: TcpProxy }> {
  const { settings, remove } = await createStore(backend);
  onTestFinished(remove);
  const proxy = await startTcpProxy(settings.QUEUE_URL ?? '');
  onTestFinished(() => proxy.close());
  return { system: await startSystem({ queueUrl: proxy.url }), proxy };
}

describe.each(rounds(['redis', 'postgres']))('on $backend, round $round', ({ backend }) => {
  it('connections that are cut again and again are reopened, and nothing is lost', async ({ task }) => {
    const { system, proxy } = await startBehindProxy(backend);
    const act = async () => {
      for (let cuts = 1; cuts < CUTS; cuts += 1) {
        proxy.cut();
        system.ledger.cutOff();
        await recovers(system);
      }
      proxy.cut();
      system.ledger.cutOff();
      return recovers(system);
    };
    const verdict = await runFault({ fault: `connections cut ${CUTS} times`, backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });

  it('a slow connection to the store loses nothing', async ({ task }) => {
    const { system, proxy } = await startBehindProxy(backend);
    const act = async () => {
      proxy.delay(LATENCY_MS);
      await moreAccepted(system);
      await moreAccepted(system);
      proxy.delay(0);
      return recovers(system);
    };
    const verdict = await runFault({ fault: `connections delayed by ${LATENCY_MS} ms`, backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault);
  });

  it('connections that fall silent are replaced', async ({ task }) => {
    const { system, proxy } = await startBehindProxy(backend);
    const act = () => {
      proxy.silence();
      system.ledger.cutOff();
      return recovers(system);
    };
    const verdict = await runFault({ fault: 'connections half-open', backend, system, task, act });
    expectNothingWrong(verdict);
    expectQuickRecovery(task.meta.fault, NOTICED_MS);
  });
});
