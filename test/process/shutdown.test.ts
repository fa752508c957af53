import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PoolClient } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { LIBRARY } from '../support/projects.ts';
import { lineWith } from '../support/servers.ts';
import { createStore } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openPool } from '../support/postgres.ts';

const readySchema = z.object({ url: z.string() });

const HOSTILE_JOBS = join(import.meta.dirname, '../support/jobs/hostile');

/** A database whose table of books a test can lock, so that jobs block on it. */
async function lockableStore() {
  const { settings, remove } = await createStore('postgres');
  onTestFinished(remove);
  const admin = openPool(settings.QUEUE_URL, { max: 2 });
  onTestFinished(() => admin.end());
  const lock = async (): Promise<PoolClient> => {
    const client = await admin.connect();
    onTestFinished(() => client.release(true));
    await client.query('BEGIN; LOCK TABLE library.books IN ACCESS EXCLUSIVE MODE');
    return client;
  };
  /** Resolves when a connection waits for the lock. */
  const waiting = () =>
    poll(
      async () =>
        (
          await admin.query(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
          )
        ).rows,
      (rows) => rows.length > 0,
    );
  return { settings, lock, waiting };
}

const submit = (url: string | undefined, collection = 'books', input: object = { id: '1', title: 'Emma' }) =>
  fetch(`${url}/api/${collection}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(input),
  });

describe('a process that shuts down', () => {
  it('ends all waits: it sends held replies with the current job, ends event streams, and breaks off subscriptions', async () => {
    // Without a worker, the job stays pending.
    const app = await startAppForTest('postgres', {}, { role: 'api' });
    const { id } = await (await submit(app.url)).json();
    const held = app.fetch(`/api/jobs/${id}`, { headers: { Prefer: 'wait=60' } });
    const query = { query: `subscription { jobUpdates(id: "${id}") { status } }` };
    const [events, subscription] = await Promise.all([
      app.fetch(`/api/jobs/${id}/events`),
      app.fetch('/graphql', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
        body: JSON.stringify(query),
      }),
    ]);
    const received: string[] = [];
    const ending = (async () => {
      for await (const chunk of subscription.body?.pipeThrough(new TextDecoderStream()) ?? []) received.push(chunk);
    })().then(
      () => 'in good order',
      (error: Error) => error.message,
    );
    await poll(
      async () => received.join(''),
      (text) => text.includes('"status":"PENDING"'),
    );
    const closed = app.close();
    expect((await held).status).toBe(202);
    expect(await events.text()).toMatch(/^retry: \d+\n\n.*"status":"Pending"/s);
    // A client would take `complete` as the end of the job.
    expect(await ending).toBe('terminated');
    expect(received.join('')).not.toContain('complete');
    await closed;
  });

  it('answers open requests, and does not wait for idle connections', async () => {
    const { settings, lock, waiting } = await lockableStore();
    const server = await startProcess({ settings: { ...settings, SHUTDOWN_GRACE_SECONDS: '3600' } });
    const locked = await lock();
    // This process's fetch keeps its connection.
    const answer = fetch(`${server.url}/api/books/1`);
    await waiting();
    const code = server.end('SIGTERM');
    await poll(
      () =>
        fetch(`${server.url}/health/live`).then(
          () => 'listens',
          () => 'closed',
        ),
      (state) => state === 'closed',
    );
    await locked.query('COMMIT');
    expect((await answer).status).toBe(404);
    expect(await code).toBe(0);
  });

  it('is not ready from then on, and accepts requests until its delay is over', async () => {
    const { settings } = await lockableStore();
    // The test ends it.
    const server = await startProcess({ settings: { ...settings, SHUTDOWN_DELAY_SECONDS: '3600' } });
    void server.end('SIGTERM');
    const ready = await poll(
      () => fetch(`${server.url}/health/ready`),
      ({ status }) => status === 503,
    );
    expect(await ready.json()).toEqual({ status: 'unavailable', missing: ['server'] });
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    const accepted = await submit(server.url);
    expect([accepted.status, accepted.headers.get('Connection')]).toEqual([202, 'close']);
    const onGraphQL = await fetch(`${server.url}/graphql?query=%7B__typename%7D`);
    expect([onGraphQL.status, onGraphQL.headers.get('Connection')]).toEqual([200, 'close']);
  });

  it.each(['the whole process group', 'npm alone'])(
    'exits with 0, and hands its job back, when %s gets the signal',
    async (who) => {
      const { settings, remove } = await createStore('postgres');
      onTestFinished(remove);
      const npm = spawn('npm', ['start'], {
        cwd: join(import.meta.dirname, '../..'),
        env: {
          PATH: process.env['PATH'],
          PORT: '0',
          SHUTDOWN_GRACE_SECONDS: '2',
          JOBS_DIR: HOSTILE_JOBS,
          ...settings,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      const { url } = readySchema.parse(JSON.parse(await lineWith(npm, npm.stdout, /"msg":"ready"/)));
      const file = join(dirname(settings.DATA_DIR), 'events');
      await submit(url, 'stubborns', { file, heeds: true });
      await poll(
        async () => existsSync(file),
        (isRunning) => isRunning,
      );
      const handedBack = lineWith(npm, npm.stdout, /"msg":"job handed back"/);
      const exited = new Promise((resolve) => void npm.once('exit', resolve));
      const { pid = expect.fail('npm did not start') } = npm;
      process.kill(who === 'npm alone' ? pid : -pid, 'SIGTERM');
      expect(await handedBack).toContain('stubborn_');
      expect(await exited).toBe(0);
    },
  );

  it('shuts down gracefully when the shell of npm is killed', async () => {
    const { settings, lock, waiting } = await lockableStore();
    const main = join(import.meta.dirname, '../../src/main.ts');
    // A shell that stays as the parent, like npm's.
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${main}" start; exit $?`], {
      cwd: LIBRARY,
      env: {
        PATH: process.env['PATH'],
        PORT: '0',
        npm_lifecycle_event: 'start',
        SHUTDOWN_GRACE_SECONDS: '2',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { url } = readySchema.parse(JSON.parse(await lineWith(shell, shell.stdout, /"msg":"ready"/)));
    await lock();
    await submit(url);
    await waiting();
    const exited = new Promise((resolve) => void shell.once('exit', resolve));
    shell.kill('SIGKILL');
    await exited;
    // The server shares the output of the shell and continues to write to it.
    expect(await lineWith(shell, shell.stdout, /"msg":"job handed back"/)).toContain('book_');
  });
});

describe('a process that loses its database connections', () => {
  it('stays up, and completes the interrupted jobs', async () => {
    const { settings, lock, waiting } = await lockableStore();
    const proxy = await startTcpProxy(settings.QUEUE_URL ?? '');
    onTestFinished(() => proxy.close());
    const server = await startProcess({ settings: { ...settings, QUEUE_URL: proxy.url } });
    const locked = await lock();
    const accepted = await submit(server.url);
    await waiting();
    proxy.cut();
    await locked.query('COMMIT');
    const done = await poll(
      () => fetch(accepted.headers.get('location') ?? '', { redirect: 'manual' }),
      (answer) => answer.status === 303,
    );
    expect(done.headers.get('location')).toMatch(/\/api\/books\/1$/);
  });
});
