import { cpSync, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { expect, inject, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import { createCustomersDatabase } from './customers-database.ts';
import { createFaces } from './faces.ts';
import { createLedger } from './ledger.ts';

export interface SystemOptions {
  /** Undefined: the embedded store, and one process for all. */
  readonly queueUrl: string | undefined;
  /** More of the settings of what works: the worker, or the one process there is. */
  readonly workerSettings?: Readonly<Record<string, string>>;
}

/** Accepted in processes of its own over a queue that a fault may meet, with the ledger beside it. */
export async function startSystem({ queueUrl, workerSettings = {} }: SystemOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-faults-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const DATA_DIR = join(folder, 'data');
  if (queueUrl === undefined) cpSync(inject('embeddedTemplate'), DATA_DIR, { recursive: true });
  const database = await createCustomersDatabase();
  const settings = {
    DATABASE_URL: database.url,
    DATA_DIR,
    ...(queueUrl !== undefined && { QUEUE_URL: queueUrl }),
  };
  let url = '';
  const ledger = createLedger();
  const system = {
    ledger,
    database,
    url: () => url,
    faces: createFaces(() => url, ledger),
    /** Starts another API, or the one process there is over the embedded store; clients use it from now on. */
    async startApi(): Promise<AcceptedProcess> {
      const api = await (queueUrl === undefined
        ? startProcess({ settings: { ...settings, ...workerSettings }, role: 'all', ...logOf('all') })
        : startProcess({ settings, role: 'api', ...logOf('api') }));
      await poll(
        () => fetch(`${api.url}/health/ready`),
        ({ ok }) => ok,
      );
      url = api.url ?? '';
      return api;
    },
    startWorker: (): Promise<AcceptedProcess> =>
      startProcess({ settings: { ...settings, ...workerSettings }, role: 'worker', ...logOf('worker') }),
  };
  const api = await system.startApi();
  const worker = queueUrl === undefined ? api : await system.startWorker();
  await database.watch();
  return { ...system, api, worker };
}

export type System = Awaited<ReturnType<typeof startSystem>>;

let logs = 0;

/** For those who look for the cause of a failure: where to keep what the processes log. */
function logOf(role: string): { output?: Writable } {
  const folder = process.env['FAULT_LOGS'];
  if (folder === undefined) return {};
  const { currentTestName = '' } = expect.getState();
  const name = `${currentTestName.replaceAll(/[^\w]+/g, '-').slice(-100)}-${(logs += 1)}-${role}.log`;
  return { output: createWriteStream(join(folder, name)) };
}
