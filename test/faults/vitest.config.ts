import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { FaultReporter } from './fault-reporter.ts';

const root = join(import.meta.dirname, '../..');

export default defineConfig({
  test: {
    root,
    include: ['test/faults/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', new FaultReporter()],
    // Most of their time they wait, for locks to run out and for servers to come back.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
