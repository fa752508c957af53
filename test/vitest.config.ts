import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = join(import.meta.dirname, '..');

export default defineConfig({
  // graphql 16 has two builds, and Vite would take the one that Node does not: two of them in one process do not mix.
  resolve: { alias: [{ find: /^graphql$/, replacement: join(root, 'node_modules/graphql/index.js') }] },
  test: {
    root,
    include: ['test/**/*.test.ts'],
    exclude: ['test/faults/**'],
    globalSetup: ['test/support/global-setup.ts'],
    // Real processes on machines of any speed: these are deadlines for what would otherwise hang.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
