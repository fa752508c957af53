import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { poll } from '../support/follow.ts';
import { runToEnd, startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';

const FREE_BYTES = 6_000_000;
/** In the log, once the store has refused a write. */
const FULL = /No space left on device/;
const UNAVAILABLE = /queue-unavailable$/;
const acceptedSchema = z.object({ id: z.string() });
const problemSchema = z.object({ type: z.string() });

it('the embedded store on a full disk refuses submissions, and does what it accepted when there is room again', async () => {
  const { settings, remove } = await createStore('embedded');
  onTestFinished(remove);
  const path = mkdtempSync(join(tmpdir(), 'accepted-disk-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const output = new PassThrough().setEncoding('utf8');
  let log = '';
  output.on('data', (chunk: string) => (log += chunk));
  const server = await startProcess({
    output,
    settings: { ...settings, DATA_DIR: join(path, 'data') },
    disk: { path, megabytes: 500, data: settings.DATA_DIR },
  });
  // As the process sees it.
  const disk = `/proc/${server.pid}/root${path}`;
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - FREE_BYTES));

  const submit = (): Promise<Response> =>
    fetch(`${server.url}/api/book-imports`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      // Names that the store cannot compress.
      body: JSON.stringify({
        books: Array.from({ length: 3000 }, () => ({ id: crypto.randomUUID(), title: crypto.randomUUID() })),
      }),
    });
  const accepted: string[] = [];
  const refused: string[] = [];
  while (!FULL.test(log) || !refused.some((type) => UNAVAILABLE.test(type))) {
    const response = await submit();
    if (response.status === 202) {
      accepted.push(acceptedSchema.parse(await response.json()).id);
    } else {
      expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '1']);
      refused.push(problemSchema.parse(await response.json()).type);
    }
  }
  expect(accepted.length).toBeGreaterThan(0);

  rmSync(join(disk, 'filler'));
  for (const id of accepted) {
    const done = await poll(
      () => fetch(`${server.url}/api/jobs/${id}?onComplete=status`),
      ({ status }) => status === 200,
    );
    expect(await done.json()).toMatchObject({ status: 'Succeeded' });
  }
  expect((await submit()).status).toBe(202);
  expect(await server.end('SIGTERM')).toBe(0);
  // Imports of thousands of rows, on a store in the process.
}, 240_000);

it('the embedded store that a full disk broke is opened again, with all that was stored', async () => {
  const [path = '', empty = ''] = ['disk', 'empty'].map((name) => mkdtempSync(join(tmpdir(), `accepted-${name}-`)));
  onTestFinished(() => [path, empty].forEach((folder) => rmSync(folder, { recursive: true })));
  const main = join(import.meta.dirname, '../support/fill-store.ts');
  // One that is new breaks at its second file of changes; one that has some for later goes on with these.
  const disk = { path, megabytes: 200, data: empty };
  expect(await runToEnd({ main, settings: { DATA_DIR: join(path, 'data') }, disk })).toEqual({ code: 0, stderr: '' });
});
