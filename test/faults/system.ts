import { cpSync, createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { expect, inject, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import { SAMPLE as project } from '../support/projects.ts';
import { createCustomersDatabase } from './customers-database.ts';
import { createApiClient } from './api-client.ts';
import { createLedger } from './ledger.ts';

export interface SystemOptions {
  /** Undefined: the embedded store and a single process. */
  readonly queueUrl: string | undefined;
  /** More settings of all processes. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More settings of the worker, or of the single process. */
  readonly workerSettings?: Readonly<Record<string, string>>;
}

/** Starts the API and the worker as processes of their own, with a ledger. */
export async function startSystem({ queueUrl, settings: more = {}, workerSettings = {} }: SystemOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-faults-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const DATA_DIR = join(folder, 'data');
  mkdirSync(DATA_DIR, { mode: 0o700 });
  if (queueUrl === undefined) cpSync(inject('embeddedTemplate'), DATA_DIR, { recursive: true });
  const database = await createCustomersDatabase();
  const settings = {
    DATABASE_URL: database.url,
    DATA_DIR,
    ...more,
    ...(queueUrl !== undefined && { QUEUE_URL: queueUrl }),
  };
  let url = '';
  const ledger = createLedger();
  const system = {
    ledger,
    database,
    url: () => url,
    client: createApiClient(() => url, ledger),
    /** Starts another API process, or the single process of the embedded store. Clients use it from now on. */
    async startApi(): Promise<AcceptedProcess> {
      const api = await (queueUrl === undefined
        ? startProcess({ project, settings: { ...settings, ...workerSettings }, role: 'all', ...logOf('all') })
        : startProcess({ project, settings, role: 'api', ...logOf('api') }));
      await poll(
        () => fetch(`${api.url}/health/ready`),
        ({ ok }) => ok,
      );
      url = api.url ?? '';
      return api;
    },
    startWorker: (): Promise<AcceptedProcess> =>
      startProcess({ project, settings: { ...settings, ...workerSettings }, role: 'worker', ...logOf('worker') }),
  };
  const api = await system.startApi();
  const worker = queueUrl === undefined ? api : await system.startWorker();
  await database.watch();
  return { ...system, api, worker };
}

export type System = Awaited<ReturnType<typeof startSystem>>;

let logs = 0;

/** Writes the logs of the processes to the folder `FAULT_LOGS`, to find the cause of a failure. */
function logOf(role: string): { output?: Writable } {
  const folder = process.env['FAULT_LOGS'];
  if (folder === undefined) return {};
  const { currentTestName = '' } = expect.getState();
  const name = `${currentTestName.replaceAll(/[^\w]+/g, '-').slice(-100)}-${(logs += 1)}-${role}.log`;
  return { output: createWriteStream(join(folder, name)) };
}
