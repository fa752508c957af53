import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient, type Output } from '../../src/client/client.ts';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import { BACKENDS, createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/teller');
const COUNT = 200;
/** After so many pieces the worker is killed. */
const KILLED_AFTER = [20];

const clientOf = ({ url = '' }: AcceptedProcess) =>
  createClient<{ teller: { input: { count: number; pauseMs?: number }; result: { count: number } } }>({
    baseUrl: url,
    collections: { teller: 'tellers' },
    retryForSeconds: 5,
  });

describe.each(BACKENDS)('output on %s', (backend) => {
  const setUp = async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    return { ...store.settings, JOBS_DIR };
  };

  it('is whole after its worker was killed, with a mark before each further run', async () => {
    const settings = await setUp();
    const isOne = backend === 'embedded';
    const start = () => startProcess({ settings, role: isOne ? 'all' : 'worker' });
    let worker = await start();
    let api = isOne ? worker : await startProcess({ settings, role: 'api' });
    const { id } = await clientOf(api).submit('teller', { count: COUNT, pauseMs: 10 });
    const pieces: Output[] = [];
    for (const killedAfter of [...KILLED_AFTER, Infinity]) {
      const before = pieces.length;
      for await (const piece of clientOf(api).output(id, { after: pieces.length })) {
        pieces.push(piece);
        if (pieces.length === before + killedAfter) break;
      }
      if (killedAfter === Infinity) continue;
      await worker.end('SIGKILL');
      worker = await start();
      if (isOne) api = worker;
    }
    expect(pieces.map(({ sequence }) => sequence)).toEqual(pieces.map((_, index) => index + 1));
    // Each run has published the numbers from 1 on, and the last one all.
    const runs: unknown[][] = [[]];
    for (const piece of pieces) {
      if (piece.kind === 'attempt') runs.push([]);
      else runs.at(-1)?.push(piece.value);
    }
    expect(runs).toHaveLength(KILLED_AFTER.length + 1);
    for (const run of runs) expect(run).toEqual(run.map((_, index) => index + 1));
    expect(runs.at(-1)).toHaveLength(COUNT);
    expect(await Array.fromAsync(clientOf(api).output(id))).toEqual(pieces);
  });

  it('that is followed breaks off when the server stops, so that nobody takes it for the whole', async () => {
    const settings = await setUp();
    const written = new PassThrough();
    const log = textOf(written);
    const server = await startProcess({ settings: { ...settings, LOG_LEVEL: 'debug' }, output: written });
    const { id } = await clientOf(server).submit('teller', { count: COUNT, pauseMs: 20 });
    const live = await fetch(`${server.url}/api/jobs/${id}/output?follow=true`);
    const reader = live.body?.getReader();
    await reader?.read();
    const rest = (async () => {
      while ((await reader?.read())?.done === false);
    })();
    const ending = server.end('SIGTERM');
    await expect(rest).rejects.toThrow(/terminated|aborted|closed/);
    expect(await ending).toBe(0);
    written.end();
    expect(await log).not.toMatch(/"level":"error"/);
  });
});
