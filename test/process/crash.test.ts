import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { poll } from '../support/follow.ts';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import { LIBRARY } from '../support/projects.ts';
import { type Store, createStore } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

/** Four batches. */
const ROWS = 1000;
const booksOf = (prefix: string) =>
  Array.from({ length: ROWS }, (_, index) => ({
    id: `${prefix}${index}`,
    title: `Book ${index}`,
    isbn: '0-201-53082-1',
    language: 'EN',
  }));

const jobSchema = z.object({ id: z.string(), status: z.string(), percentComplete: z.number(), attempt: z.number() });

async function createStoreForTest(backend: Parameters<typeof createStore>[0]): Promise<Store> {
  const store = await createStore(backend);
  onTestFinished(() => store.remove());
  return store;
}

async function submitImport(api: AcceptedProcess, prefix = 'c'): Promise<string> {
  const submit = () =>
    fetch(`${api.url}/api/book-imports`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ books: booksOf(prefix) }),
    });
  // A process on a busy machine may refuse a request for a moment.
  const response = await poll(submit, ({ status }) => status !== 503);
  expect(response.status).toBe(202);
  return jobSchema.parse(await response.json()).id;
}

/** Reads the job. A process on a busy machine may refuse a request for a moment. */
async function read(api: AcceptedProcess, id: string) {
  const response = await poll(
    () => fetch(`${api.url}/api/jobs/${id}?onComplete=status`),
    ({ status }) => status !== 503,
  );
  return jobSchema.parse(await response.json());
}

/** Waits for the end, and checks that the import is complete, with no row twice. */
async function expectWholeImport(api: AcceptedProcess, id: string, prefix = 'c'): Promise<void> {
  const done = await poll(
    () => read(api, id),
    (job) => job.status !== 'Running' && job.status !== 'Pending',
  );
  expect(done).toMatchObject({ status: 'Succeeded', percentComplete: 100 });
  const result = await fetch(`${api.url}/api/jobs/${id}/result`);
  // Rows that the killed run wrote still count as imported by this job.
  expect(await result.json()).toEqual({ imported: ROWS, updated: 0, rejected: [] });
  for (const index of [0, ROWS / 2, ROWS - 1]) {
    const book = await fetch(`${api.url}/api/books/${prefix}${index}`);
    expect(await book.json()).toMatchObject({ title: `Book ${index}`, isbn: '0201530821' });
  }
}

describe.each(['redis', 'postgres'] as const)('API and worker as two processes over %s', (backend) => {
  it('an import survives the kill of its worker, with each row once', async () => {
    const { settings } = await createStoreForTest(backend);
    const database = openPool(settings.DATABASE_URL ?? settings.QUEUE_URL, { max: 2 });
    onTestFinished(() => database.end());
    const api = await startProcess({ settings, role: 'api' });
    const worker = await startProcess({ settings, role: 'worker' });

    // A row that another transaction has locked stops the import halfway.
    const blocker = await database.connect();
    await blocker.query('BEGIN');
    await blocker.query(`INSERT INTO library.books (id, title, created_by) VALUES ('c${ROWS / 2}', 'Blocked', 'test')`);
    const id = await submitImport(api);
    await poll(
      () => read(api, id),
      (job) => job.status === 'Running' && job.percentComplete === 50,
    );
    await worker.end('SIGKILL');
    await blocker.query('ROLLBACK');
    blocker.release();
    expect(await read(api, id)).toMatchObject({ percentComplete: 50 });

    await startProcess({ settings, role: 'worker' });
    await expectWholeImport(api, id);
    const { rows } = await database.query(
      'SELECT count(*)::int AS count, count(DISTINCT id)::int AS ids FROM library.books',
    );
    expect(rows).toEqual([{ count: ROWS, ids: ROWS }]);
  });
});

describe('the embedded store', () => {
  it('completes an import after a kill in the middle of it, with each row once, and keeps it across a restart', async () => {
    const { settings } = await createStoreForTest('embedded');
    const first = await startProcess({ settings });
    // Several imports, so that one is always in progress.
    const prefixes = ['a', 'b', 'c', 'd'];
    const ids = await Promise.all(prefixes.map((prefix) => submitImport(first, prefix)));
    await poll(
      () => Promise.all(ids.map((id) => read(first, id))),
      (jobs) => jobs.some((job) => job.percentComplete > 0),
    );
    await first.end('SIGKILL');

    const second = await startProcess({ settings });
    const found = await Promise.all(ids.map((id) => read(second, id)));
    expect(found.some((job) => job.status !== 'Succeeded')).toBe(true);
    for (const [index, id] of ids.entries()) await expectWholeImport(second, id, prefixes[index]);

    // What was accepted is also there after an ordinary restart.
    expect(await second.end('SIGTERM')).toBe(0);
    const third = await startProcess({ settings });
    for (const [index, id] of ids.entries()) await expectWholeImport(third, id, prefixes[index]);
  });
});

describe.each(['redis', 'postgres', 'embedded'] as const)('SIGTERM on %s', (backend) => {
  it('finishes or returns running jobs, exits with 0, and the next process completes them', async () => {
    const { settings } = await createStoreForTest(backend);
    const first = await startProcess({ settings: { ...settings, SHUTDOWN_GRACE_SECONDS: '0' } });
    const id = await submitImport(first);
    await poll(
      () => read(first, id),
      (job) => job.percentComplete > 0,
    );
    expect(await first.end('SIGTERM')).toBe(0);
    const second = await startProcess({ settings });
    await expectWholeImport(second, id);
  });
});

describe('the first start on the embedded store', () => {
  it('succeeds after an earlier first start was killed halfway', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accepted-crash-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const DATA_DIR = join(folder, 'data');
    const first = spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts'), 'start'], {
      cwd: LIBRARY,
      env: { PATH: process.env['PATH'], PORT: '0', DATA_DIR },
      stdio: 'ignore',
    });
    const exited = new Promise((resolve) => void first.once('exit', resolve));
    await poll(
      async () => existsSync(join(DATA_DIR, 'making')),
      (there) => there,
    );
    first.kill('SIGKILL');
    await exited;
    expect(existsSync(join(DATA_DIR, 'making'))).toBe(true);
    const second = await startProcess({ settings: { DATA_DIR } });
    expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
    expect(existsSync(join(DATA_DIR, 'making'))).toBe(false);
    const modes = readdirSync(DATA_DIR, { recursive: true, encoding: 'utf8' }).map(
      (name) => statSync(join(DATA_DIR, name)).mode & 0o077,
    );
    if (process.platform !== 'win32') expect(new Set(modes)).toEqual(new Set([0]));
  });
});
