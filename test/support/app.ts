import { GraphQLClient } from 'graphql-request';
import { onTestFinished } from 'vitest';
import { createApp } from '../../src/app.ts';
import { type Role, readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type Backend, createStore } from './stores.ts';

/** A server in this process, with clients for both faces. */
export interface TestApp {
  readonly url: string;
  readonly graphql: GraphQLClient;
  /** `fetch` on a path, which does not follow redirects unless it is told to. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** POSTs JSON. */
  post(path: string, body: unknown): Promise<Response>;
  close(): Promise<void>;
}

/** Starts a whole Accepted on a store of its own. Closed by the caller, in `afterAll`. */
export async function startApp(
  backend: Backend,
  settings: Record<string, string> = {},
  role: Role = 'all',
): Promise<TestApp> {
  const store = await createStore(backend);
  const config = readConfig(role, { PORT: '0', LOG_LEVEL: 'error', ...store.settings, ...settings });
  const app = await createApp(config, createLogger(config.LOG_LEVEL), (error) => {
    throw error;
  });
  const { url } = await app.listen();
  if (url === undefined) throw new Error('the app does not listen');
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(new URL(path, url), { redirect: 'manual', ...init });
  return {
    url,
    graphql: new GraphQLClient(`${url}/graphql`),
    fetch: request,
    post: (path, body) =>
      request(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    async close() {
      await app.close();
      store.remove();
    },
  };
}

/** As `startApp`, for one test, which closes it. */
export async function startAppForTest(...options: Parameters<typeof startApp>): Promise<TestApp> {
  const app = await startApp(...options);
  onTestFinished(() => app.close());
  return app;
}
