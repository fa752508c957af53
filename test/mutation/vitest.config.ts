import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/{unit,store,api}/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/mutation/setup.ts'],
    execArgv: ['--import', join(import.meta.dirname, 'hook.ts')],
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // A process for each test file: what it reaches is its own, and a mutant is gone with it.
    isolate: true,
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
