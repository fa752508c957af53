import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createAuthenticate } from '../../src/auth/authenticate.ts';
import { type JobContext, defineJob } from '../../src/core/define-job.ts';
import { createProviders } from '../../src/core/providers.ts';
import type { JobEvents, JobWorker } from '../../src/core/ports.ts';
import { createJobIds } from '../../src/core/access/job-ids.ts';
import { createJobKeys } from '../../src/core/access/job-token.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { createJobService } from '../../src/core/service/create-service.ts';
import { createListener } from '../../src/http/listener.ts';
import { createHttpServer } from '../../src/server.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { wireQueue } from '../../src/queue/wire-queue.ts';
import { isConnectionError } from '../../src/stores/connection-error.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { type Backend, createStore } from './stores.ts';

type Run = (job: JobContext) => Promise<void>;

export interface ScriptedAppOptions {
  readonly backend: Backend;
  /** What each job does before it returns its input. */
  readonly run?: Run;
  readonly publicUrl?: string;
  /** @default 100_000 */
  readonly maxDepth?: number;
  /** @default 400 */
  readonly maxDelayMs?: number;
}

/** A server in this process on a real store, whose one job type, `script`, does what a test says. */
export interface ScriptedApp {
  readonly url: string;
  /** `fetch` on a path, which does not follow redirects unless it is told to. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Until this is called all jobs are pending. */
  startWorker(): void;
  /** Resolves to the id of a new job. */
  submit(text?: string): Promise<string>;
  /** How many wait for news of a job in the server. */
  followers(): number;
}

const jobSchema = z.object({ id: z.string() });

/** Composes the server from the parts of `src/app.ts`. It is closed with the test. */
export async function startScriptedApp({
  backend,
  run = async () => undefined,
  publicUrl,
  maxDepth = 100_000,
  maxDelayMs,
}: ScriptedAppOptions): Promise<ScriptedApp> {
  const script = defineJob({
    name: 'script',
    collection: 'scripts',
    description: 'Does what the test says.',
    input: z.object({ text: z.string() }),
    result: z.object({ text: z.string() }),
    backoffSeconds: 0.01,
    async run(input, job) {
      await run(job);
      return input;
    },
  });
  const registry = createRegistry([{ file: 'script.ts', type: script }]);
  const logger = createLogger('error');
  const store = await createStore(backend);
  onTestFinished(() => store.remove());
  const embedded = createEmbeddedStore(store.settings.DATA_DIR);
  if (backend === 'embedded') await embedded.open();
  onTestFinished(() => embedded.close());
  const wired = wireQueue({
    url: store.settings.QUEUE_URL,
    embedded: embedded.pool,
    types: [script],
    retentionSeconds: 3600,
    logger,
  });
  onTestFinished(() => wired.close());
  const { queue, events } = wired;
  await wired.connect();
  await wired.open({ events: true });

  let followers = 0;
  const counted: JobEvents = {
    subscribeAll: events.subscribeAll,
    subscribeType: events.subscribeType,
    subscribe(id, listener) {
      const unsubscribe = events.subscribe(id, listener);
      followers += 1;
      return () => {
        unsubscribe();
        followers -= 1;
      };
    },
  };
  const { use } = createProviders({});
  const stopping = new AbortController();
  const jobKeys = createJobKeys(queue, 3600);
  const http = await createHttpServer({
    service: createJobService({
      registry,
      queue,
      events: counted,
      jobIds: createJobIds(queue, 3600),
      jobKeys,
      use,
      logger,
      maxDepth,
      stopping: stopping.signal,
      isConnectionError,
    }),
    authenticate: createAuthenticate({ kind: 'open' }, jobKeys, logger),
    logger,
    publicUrl,
    corsOrigins: [],
    trustProxy: false,
    rest: true,
    graphiql: false,
    console: false,
    introspection: true,
    host: '127.0.0.1',
    checks: {},
    maxDelayMs,
  });
  const listener = createListener(http);
  let worker: JobWorker | undefined;
  onTestFinished(async () => {
    stopping.abort();
    await Promise.all([listener.close(1000), worker?.close(1000)]);
  });
  const url = await listener.listen('127.0.0.1', 0);
  return {
    url,
    fetch: (path, init) => fetch(new URL(path, url), { redirect: 'manual', ...init }),
    startWorker: () => void (worker ??= wired.startWorkers({ concurrency: 10, use })),
    async submit(text = '') {
      const response = await fetch(`${url}/api/scripts`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ text }),
      });
      return jobSchema.parse(await response.json()).id;
    },
    followers: () => followers,
  };
}
