import { resolve } from 'node:path';
import { GraphQLClient } from 'graphql-request';
import { onTestFinished } from 'vitest';
import { type AppOptions, createApp } from '../../src/app.ts';
import { type Role, readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { loadProject } from '../../src/project.ts';
import { poll } from './follow.ts';
import { type DocumentedReplies, repliesOf } from './openapi.ts';
import { LIBRARY } from './projects.ts';
import { type Backend, type Store, createStore } from './stores.ts';

/** Paths that the OpenAPI document covers. */
const DOCUMENTED = /^\/(api\/|health\/|openapi\.json)/;

/** A server in this process, with clients for both APIs. */
export interface TestApp {
  readonly url: string;
  /** Where metrics are, if that is a port of their own. */
  readonly metricsUrl: string | undefined;
  readonly graphql: GraphQLClient;
  /** `fetch` for a path, by default without following redirects. It expects documented replies. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** POSTs JSON. */
  post(path: string, body: unknown): Promise<Response>;
  close(): Promise<void>;
}

export interface TestAppOptions {
  /**
   * Folder of the project.
   * @default the library
   */
  readonly project?: string;
  /** @default 'all' */
  readonly role?: Role;
  /** @default a new one */
  readonly store?: Store;
  /** @default those of the product, but for the delay of the event loop */
  readonly limits?: Pick<AppOptions, 'maxDelayMs' | 'countMs'>;
}

/** Starts the whole server on an empty store. The caller closes it in `afterAll`. */
export async function startApp(
  backend: Backend,
  settings: Record<string, string> = {},
  { project = LIBRARY, role = 'all', store: given, limits }: TestAppOptions = {},
): Promise<TestApp> {
  const store = given ?? (await createStore(backend));
  const config = readConfig(role, { PORT: '0', LOG_LEVEL: 'error', ...store.settings, ...settings });
  const onFatal = (error: unknown): void => {
    throw error;
  };
  // The server shares its event loop with the test, so a busy loop is no reason to refuse requests.
  const options = { onFatal, maxDelayMs: 10_000, ...limits };
  const app = await createApp(
    config,
    await loadProject({ folder: project, jobsDir: config.JOBS_DIR && resolve(config.JOBS_DIR) }),
    createLogger(config.LOG_LEVEL),
    options,
  );
  const { url, metricsUrl } = await app.listen();
  if (url === undefined) throw new Error('the app does not listen');
  // It may listen before its stores are connected.
  await poll(
    () => fetch(`${url}/health/ready`),
    ({ ok }) => ok,
  );
  const fetchHere = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(new URL(path, url), { redirect: 'manual', ...init });
  let documented: Promise<DocumentedReplies> | undefined;
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetchHere(path, init);
    if (!config.REST || !DOCUMENTED.test(path)) return response;
    documented ??= fetchHere('/openapi.json').then(async (document) => repliesOf(await document.text(), url));
    const { expectReply } = await documented;
    await expectReply(response.redirected ? 'GET' : (init.method ?? 'GET'), response.url, response);
    return response;
  };
  return {
    url,
    metricsUrl,
    graphql: new GraphQLClient(`${url}/graphql`),
    fetch: request,
    post: (path, body) =>
      request(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    async close() {
      await app.close();
      if (given === undefined) store.remove();
    },
  };
}

/** Like `startApp`, for one test; it is closed with the test. */
export async function startAppForTest(...options: Parameters<typeof startApp>): Promise<TestApp> {
  const app = await startApp(...options);
  onTestFinished(() => app.close());
  return app;
}
