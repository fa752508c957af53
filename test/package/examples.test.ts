import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { openPageForTest, startBrowser } from '../support/browser.ts';
import { poll } from '../support/follow.ts';
import { forward, serve } from '../support/http-server.ts';
import { INSTALL_MS, installPackage, packPackage, readerOf } from '../support/installed.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const NPM = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
const run = promisify(execFile);

let tarball: string;
let installed: string;
beforeAll(async () => {
  tarball = await packPackage();
  installed = await installPackage();
}, INSTALL_MS);

/** An example, installed with this package in place of the published one. */
async function install(name: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `accepted-example-${name}-`));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(EXAMPLES, name), folder, { recursive: true });
  const { dependencies } = z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  if (Object.keys(dependencies).length === 1) {
    symlinkSync(join(installed, 'node_modules'), join(folder, 'node_modules'), 'junction');
    return folder;
  }
  // What all examples need, which npm then finds there.
  cpSync(join(installed, 'node_modules'), join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  await run('npm', ['install', tarball, ...NPM], { cwd: folder });
  return folder;
}

/** Starts a script of an example; it ends with the test. */
function start(folder: string, command: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: `${join(folder, 'node_modules/.bin')}:${process.env['PATH']}`, PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, next: readerOf(child) };
}

/** Submits a greeting under a URL, and resolves to its result. */
async function greet(base: string): Promise<unknown> {
  const accepted = await fetch(`${base}/api/greetings`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Ada' }),
  });
  expect(accepted.status).toBe(202);
  expect(accepted.headers.get('Location')).toMatch(new RegExp(`^${base}/api/jobs/greeting_`));
  const { statusUrl } = z.object({ statusUrl: z.url() }).parse(await accepted.json());
  const done = await poll(
    () => fetch(`${statusUrl}?onComplete=stream`),
    ({ status }) => status !== 202,
  );
  return done.json();
}

async function query(base: string, text: string): Promise<unknown> {
  const reply = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: text }),
  });
  return reply.json();
}

describe('the example', () => {
  it('standalone runs, and its test passes', async () => {
    const folder = await install('standalone');
    const { next } = start(folder, ['accepted', 'start'], { GREETING: 'Good evening' });
    const [, url = ''] = await next(/(http:\/\/127\.0\.0\.1:\d+)/);
    expect(await greet(url)).toEqual({ text: 'Good evening, Ada' });
    await run('node', ['--test', 'jobs/'], { cwd: folder });
    const told = await run('node', ['tell.ts', url, 'a queue'], { cwd: folder });
    expect(told.stdout).toMatch(/^Once upon a time there was a queue\. .* how far it was\.\n\(\d+ tokens\)\n$/);
  });

  it('express serves both APIs under a path, beside the application', async () => {
    const folder = await install('express');
    const { child, ended, next } = start(folder, ['node', 'server.ts']);
    const [, url = ''] = await next(/(http:\/\/127\.0\.0\.1:\d+)/);
    expect(await greet(`${url}/work`)).toEqual({ text: 'Hello, Ada' });
    expect(await query(`${url}/work`, '{ jobs { nodes { statusUrl } } }')).toEqual({
      data: { jobs: { nodes: [{ statusUrl: expect.stringContaining(`${url}/work/api/jobs/`) }] } },
    });
    expect(await (await fetch(url)).text()).toBe('The application');
    const page = await fetch(`${url}/work/docs`);
    expect(await page.text()).toContain('reference');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('next serves both APIs in a route handler, beside the application', async () => {
    const folder = await install('next');
    await run('npx', ['next', 'build'], { cwd: folder, env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } });
    const port = await freePort();
    const base = `http://127.0.0.1:${port}/work`;
    const { next } = start(
      folder,
      ['node', 'node_modules/next/dist/bin/next', 'start', '--hostname', '127.0.0.1', '--port', `${port}`],
      {
        PUBLIC_URL: base,
        NEXT_TELEMETRY_DISABLED: '1',
      },
    );
    await next(/Ready in/);
    expect(await greet(base)).toEqual({ text: 'Hello, Ada' });
    expect(await query(base, '{ jobs { nodes { type } } }')).toEqual({
      data: { jobs: { nodes: [{ type: 'greeting' }] } },
    });
    expect(await (await fetch(new URL('/', base))).text()).toContain('The application');
  });

  it('vite-react is built with the generated client, and its page shows a result that survives a reload', async () => {
    const folder = await install('vite-react');
    await run('npm', ['run', 'build'], { cwd: folder });
    const dist = join(folder, 'dist');
    const { next } = start(folder, ['accepted', 'start']);
    const [, api = ''] = await next(/(http:\/\/127\.0\.0\.1:\d+)/);
    const site = await serve((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      if (pathname.startsWith('/api/')) return forward(api, request, response);
      const file = readdirSync(dist, { recursive: true, encoding: 'utf8' }).find((name) => `/${name}` === pathname);
      const type = pathname.endsWith('.js') ? 'text/javascript' : 'text/html';
      return response.writeHead(200, { 'Content-Type': type }).end(readFileSync(join(dist, file ?? 'index.html')));
    });
    const browser = await startBrowser();
    onTestFinished(() => browser.close());
    const page = await openPageForTest(browser);
    await page.goto(site);
    await page.getByRole('button', { name: 'Greet Ada' }).click();
    await page.getByText('looking for words').waitFor();
    await page.reload();
    expect(await page.getByText('Hello').textContent()).toBe('Hello, Ada');
  });
});

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // The address of a listening TCP server is an object.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => void server.close(resolve));
  return port;
}
