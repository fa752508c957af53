import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { FaultReporter } from './faults/fault-reporter.ts';
import { FailureReporter } from './support/failure-reporter.ts';
import { LongFirst } from './support/long-first.ts';
import { TimeReporter } from './support/time-reporter.ts';

const shared = {
  root: join(import.meta.dirname, '..'),
  // Node loads the sources as it does in production, once for each worker.
  experimental: { viteModuleRunner: false, nodeLoader: false },
  isolate: false,
  // Deadlines for what would otherwise hang, generous enough for a slow machine.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};
const globalSetup = ['test/support/global-setup.ts'];

export default defineConfig({
  test: {
    root: shared.root,
    sequence: { sequencer: LongFirst },
    reporters: ['default', new TimeReporter(), new FaultReporter(), new FailureReporter()],
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'servers',
          include: ['test/{store,api,process,package,deploy,browser,fuzz}/**/*.test.ts'],
          globalSetup,
          // More would take longer each on two cores, and reach the deadlines of the product itself.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup,
          testTimeout: 180_000,
          // Faults measure recovery times, so nothing else runs beside them.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
