import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProvidedContext } from 'vitest';
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
    /** A folder for what several test files use, which is removed after the run. */
    scratch: string;
    /** Path of the browser. */
    chromium: string;
    /** Path of a Python that has requests. */
    python: string;
    /** Path of Prometheus's promtool. */
    promtool: string;
  }
}

/** Settings that trade durability for speed: the shared server is removed after the run. */
const THROWAWAY = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off'];

export interface SharedServers {
  readonly provided: ProvidedContext;
  stop(): Promise<void>;
}

/** Starts the servers that all tests share, each test in a database of its own. */
export async function startSharedServers(): Promise<SharedServers> {
  const programs = installServers();
  const scratch = mkdtempSync(join(tmpdir(), 'accepted-scratch-'));
  const embeddedTemplate = join(scratch, 'embedded');
  const [redis, postgres] = await Promise.all([
    startRedis(programs),
    startPostgres(programs, { settings: THROWAWAY }),
    createEmbeddedTemplate(embeddedTemplate),
  ]);
  await createPostgresTemplate(postgres.url);
  const { chromium, python, promtool } = programs;
  return {
    provided: { redisUrl: redis.url, postgresUrl: postgres.url, embeddedTemplate, scratch, chromium, python, promtool },
    async stop() {
      await Promise.all([redis.stop(), postgres.stop()]);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

let servers: Promise<SharedServers> | undefined;
let users = 0;

/** Starts the servers for the first project that needs them, and stops them after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  users += 1;
  const { provided, stop } = await (servers ??= runningServers() ?? startSharedServers());
  project.provide('redisUrl', provided.redisUrl);
  project.provide('postgresUrl', provided.postgresUrl);
  project.provide('embeddedTemplate', provided.embeddedTemplate);
  project.provide('scratch', provided.scratch);
  project.provide('chromium', provided.chromium);
  project.provide('python', provided.python);
  project.provide('promtool', provided.promtool);
  return async () => {
    users -= 1;
    if (users === 0) await stop();
  };
}

/** The servers of a mutation run, which starts Vitest once for each mutant. */
function runningServers(): Promise<SharedServers> | undefined {
  const json = process.env['SHARED_SERVERS'];
  if (json === undefined) return undefined;
  // The mutation run writes what `startSharedServers` provides.
  return Promise.resolve({ provided: JSON.parse(json) as ProvidedContext, stop: async () => undefined });
}
