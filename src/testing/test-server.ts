import { createApp } from '../app.ts';
import { readTestConfig } from '../config.ts';
import type { ProjectConfig } from '../core/define-config.ts';
import type { JobType } from '../core/define-job.ts';
import type { Provided } from '../core/register.ts';
import { createLogger } from '../observability/logger.ts';
import { createMemoryStore } from '../stores/embedded-store.ts';

export interface TestServerOptions {
  readonly jobs: readonly JobType[];
  /** What job functions get by `job.use(name)`, by name. */
  readonly providers?: Partial<Provided>;
  /** Settings by their names, such as API_KEYS; environment variables do not count. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface TestServer {
  /** Such as `http://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts the API and a worker on a store in memory, on a port that the system chooses. Warnings and errors are logged. Close it after the test.
 * @throws StartError with a line for each problem of the job types and the settings
 */
export async function startTestServer({ jobs, providers = {}, settings = {} }: TestServerOptions): Promise<TestServer> {
  const config = readTestConfig(settings);
  const project = {
    jobs: jobs.map((type) => ({ file: `job type ${type.name}`, type })),
    config: toConfig(providers),
  };
  const embedded = createMemoryStore();
  const app = await createApp(config, project, createLogger(config.LOG_LEVEL, { wholeErrors: true }), {
    embedded,
    onFatal(error) {
      throw error;
    },
  });
  const close = async (): Promise<void> => {
    await app.close();
    await embedded.close();
  };
  try {
    const { url = '' } = await app.listen();
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Providers that have their values already. */
function toConfig(values: Partial<Provided>): ProjectConfig {
  const providers = Object.entries(values).map(([name, value]) => [name, { open: () => value, api: true }]);
  return { providers: Object.fromEntries(providers) };
}
