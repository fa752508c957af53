import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = join(import.meta.dirname, '../..');

/** Installs another version of BullMQ in a separate folder, and returns the module to import instead of the pinned one. */
function install(version: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-bullmq-'));
  const options = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...options, `bullmq@${version}`, 'ioredis@6', 'pg@8'], { stdio: 'inherit' });
  return createRequire(join(folder, 'package.json')).resolve('bullmq');
}

const version = process.env['BULLMQ_VERSION'];

/** Runs the tests that depend on BullMQ's internals, with the pinned version or BULLMQ_VERSION. */
export default defineConfig({
  resolve: { alias: version === undefined ? [] : [{ find: /^bullmq$/, replacement: install(version) }] },
  test: {
    root,
    include: ['test/store/{bullmq,redis,postgres,queue}-*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
