import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createEmbeddedTemplate, createPostgresTemplate } from './store-templates.ts';
import { installServers } from './install-servers.ts';
import { startPostgres, startRedis } from './servers.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string;
    postgresUrl: string;
    /** A folder with a migrated embedded store, to copy: creating one takes seconds. */
    embeddedTemplate: string;
    /** Path of the browser. */
    chromium: string;
  }
}

/** Unsafe and fast: nothing of the shared server outlives the run. */
const THROWAWAY = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off'];

/** Starts the servers that all tests share, each test in a database of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const programs = installServers();
  const embeddedTemplate = mkdtempSync(join(tmpdir(), 'accepted-template-'));
  const [redis, postgres] = await Promise.all([
    startRedis(programs),
    startPostgres(programs, { settings: THROWAWAY }),
    createEmbeddedTemplate(embeddedTemplate),
  ]);
  await createPostgresTemplate(postgres.url);
  project.provide('redisUrl', redis.url);
  project.provide('postgresUrl', postgres.url);
  project.provide('embeddedTemplate', embeddedTemplate);
  project.provide('chromium', programs.chromium);
  return async () => {
    await Promise.all([redis.stop(), postgres.stop()]);
    rmSync(embeddedTemplate, { recursive: true, force: true });
  };
}
