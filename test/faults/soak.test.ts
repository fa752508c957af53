import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createStore } from '../support/stores.ts';
import { ATTACKS } from './attacks.ts';
import { rounds } from './rounds.ts';
import { expectNothingWrong, moreAccepted, recovers, runFault } from './run-fault.ts';
import { startSystem } from './system.ts';

/** How long the attacks go on, on each store. Each has tests of its own, so that a run without it leaves this out. */
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 0);
const JOBS_DIR = join(import.meta.dirname, 'jobs');
/** How much more memory the API may hold in the last third than in the second. */
const GROWTH = 1.15;

/** Memory that a process holds, in KiB. */
function residentKiB(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

// Other systems have no /proc.
describe.runIf(process.platform === 'linux' && MINUTES > 0).each(rounds(['redis', 'postgres', 'embedded']))(
  'on $backend, round $round',
  ({ backend }) => {
    it(
      'a system under attack loses nothing, and its memory stays the same',
      { timeout: 240_000 + MINUTES * 100_000 },
      async ({ task }) => {
        const { settings, remove } = await createStore(backend);
        onTestFinished(remove);
        const system = await startSystem({ queueUrl: settings.QUEUE_URL, settings: { JOBS_DIR } });
        const samples: number[] = [];
        // A slow machine has a backlog, which is late and not lost.
        const giveUpMs = 45_000 + MINUTES * 30_000;
        const act = async () => {
          const until = performance.now() + MINUTES * 60_000;
          do {
            for (const attack of Object.values(ATTACKS)) {
              await attack(system.url());
              await moreAccepted(system);
              samples.push(residentKiB(system.api.pid));
            }
          } while (performance.now() < until);
          return recovers(system);
        };
        const verdict = await runFault({
          fault: 'attacks',
          backend,
          system,
          task,
          act,
          heedsRetryAfter: true,
          giveUpMs,
        });
        expectNothingWrong(verdict);
        expect(system.api.isRunning() && system.worker.isRunning()).toBe(true);
        const third = Math.floor(samples.length / 3);
        const [second, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)].map(median);
        expect(last).toBeLessThan((second ?? 0) * GROWTH);
      },
    );
  },
);
