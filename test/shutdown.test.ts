import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { poll } from './support/follow.ts';
import { startProcess } from './support/process.ts';
import { lineWith } from './support/servers.ts';
import { createStore } from './support/stores.ts';

const readySchema = z.object({ url: z.string() });

async function settingsForTest(backend: Parameters<typeof createStore>[0]) {
  const store = await createStore(backend);
  onTestFinished(() => store.remove());
  return store.settings;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => void child.once('exit', (code) => resolve(code)));

describe('a process that ends', () => {
  it('does not wait for idle connections that clients keep alive', async () => {
    const server = await startProcess({
      settings: { ...(await settingsForTest('embedded')), SHUTDOWN_GRACE_SECONDS: '3600' },
    });
    // This process's fetch keeps its connections.
    await Promise.all(Array.from({ length: 5 }, () => fetch(`${server.url}/health/live`)));
    const answers = Promise.all(Array.from({ length: 5 }, () => fetch(`${server.url}/health/ready`)));
    await answers;
    expect(await server.end('SIGTERM')).toBe(0);
  });

  it('ends in good order when the shell that npm runs it in is killed', async () => {
    const settings = await settingsForTest('embedded');
    const main = join(import.meta.dirname, '../src/main.ts');
    // A shell that stays, as npm's does.
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${main}" all; exit $?`], {
      env: { PATH: process.env['PATH'], PORT: '0', npm_lifecycle_event: 'start', ...settings },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { url } = readySchema.parse(JSON.parse(await lineWith(shell, shell.stdout, /"msg":"ready"/)));
    const exited = ended(shell);
    // The server holds the other end until it is gone.
    const closed = new Promise((resolve) => void shell.stdout.once('close', resolve));
    shell.kill('SIGKILL');
    await exited;
    await closed;
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    // It let its store go.
    await startProcess({ settings });
  });
});

describe('a process that loses its database connections', () => {
  it('lives, and works again', async () => {
    const settings = await settingsForTest('postgres');
    const server = await startProcess({ settings });
    const admin = new Pool({ connectionString: settings.QUEUE_URL, max: 1 });
    onTestFinished(() => admin.end());
    const submit = () =>
      fetch(`${server.url}/api/customers`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ id: '1', customername: 'Ada' }),
      });
    expect((await submit()).status).toBe(202);
    const work = Promise.allSettled(Array.from({ length: 50 }, submit));
    await admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await work;

    const accepted = await poll(submit, (answer) => answer.status === 202);
    const done = await poll(
      () => fetch(accepted.headers.get('location') ?? '', { redirect: 'manual' }),
      (answer) => answer.status !== 202,
    );
    expect(done.status).toBe(303);
  });
});
