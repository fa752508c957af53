import { PassThrough } from 'node:stream';
import { expect } from 'vitest';
import { z } from 'zod';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import type { Store } from '../support/stores.ts';

/** Heap limit of the server in MiB: a leak in each request makes it run out of memory. */
const HEAP_MIB = 160;

const lineSchema = z.looseObject({
  level: z.string(),
  msg: z.string(),
  err: z.looseObject({ type: z.string() }).optional(),
});
type Line = z.output<typeof lineSchema>;

/** The server under test, in a separate process. */
export interface FuzzedServer {
  readonly url: string;
  /** Expects the server to be alive, to shut down cleanly, and to have logged no warning or error. */
  expectSound(): Promise<void>;
}

/** Starts a server with its worker; it ends with the test at the latest. */
export async function startFuzzedServer({ settings }: Store): Promise<FuzzedServer> {
  const output = new PassThrough().setEncoding('utf8');
  let log = '';
  output.on('data', (chunk: string) => (log += chunk));
  const server: AcceptedProcess = await startProcess({
    settings: { ...settings, LOG_LEVEL: 'info', NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
    output,
  });
  if (server.url === undefined) throw new Error('the server does not listen');
  return {
    url: server.url,
    async expectSound() {
      expect(await server.end('SIGTERM'), `the log ends with ${log.slice(-3000)}`).toBe(0);
      // A line that is not JSON would be log injection or a crash.
      const lines = log.split('\n').filter((line) => line !== '');
      expect(lines.map((line) => lineSchema.parse(JSON.parse(line))).filter(isTrouble)).toEqual([]);
    },
  };
}

/** Warnings that a busy machine may cause; other failures log their error. */
function isTrouble({ level, err }: Line): boolean {
  return (level === 'error' || err !== undefined) && err?.type !== 'DeadlineError';
}
