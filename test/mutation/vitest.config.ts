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
    // One process per test file isolates the places it reaches and the mutant.
    isolate: true,
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
