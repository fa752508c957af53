import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = join(import.meta.dirname, '..');

const shared = {
  // graphql 16 has two builds, and Vite would take the one that Node does not: two of them in one process do not mix.
  resolve: { alias: [{ find: /^graphql$/, replacement: join(root, 'node_modules/graphql/index.js') }] },
  // Real processes on machines of any speed: these are deadlines for what would otherwise hang.
  test: { root, testTimeout: 60_000, hookTimeout: 60_000 },
};

export default defineConfig({
  test: {
    root,
    projects: [
      { ...shared, test: { ...shared.test, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        ...shared,
        test: {
          ...shared.test,
          name: 'servers',
          include: ['test/{store,api,process,browser,fuzz}/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
    ],
  },
});
