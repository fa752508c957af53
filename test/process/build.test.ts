import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { buildProject, copyProject } from '../support/project-copy.ts';
import { type Store, createStore } from '../support/stores.ts';

const PROJECT = join(import.meta.dirname, '../..');
const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
const guide = readFileSync(join(PROJECT, 'docs/client.md'), 'utf8');
const [, jobPath = '', jobSource = ''] = /```ts\n\/\/ (src\/jobs\/[\w-]+\.ts)\n([\s\S]*?)```/.exec(readme) ?? [];
const [, example = ''] = /```ts\n(import [^\n]* from 'accepted\/client';\n[\s\S]*?)```/.exec(guide) ?? [];
const [, declaration = ''] = /```ts\n(const client = createClient<[\s\S]*?)```/.exec(guide) ?? [];

/** Code of a page that uses the job types of the README and the project. The compiler must reject the last four statements. */
const PAGE = `
import { type Job, createClient } from 'accepted/client';

const client = createClient({ baseUrl: '' });
const { width } = await client.submitAndWait('thumbnail', { url: 'https://example.com/cat.png' });
document.title = width.toFixed();
const job: Job<'thumbnail'> = await client.submit('thumbnail', { url: 'https://example.com/cat.png', size: 'large' });
const again: { width: number; height: number } = await client.wait(job);
// @ts-expect-error -- The schema has no size "huge".
await client.submit('thumbnail', { url: 'https://example.com/cat.png', size: 'huge' });
// @ts-expect-error -- The schema has no field "colour".
await client.submit('thumbnail', { url: 'https://example.com/cat.png', colour: 'red' });
// @ts-expect-error -- The width is a number, but a title is a string.
document.title = again.width;
// @ts-expect-error -- "thumbnails" is the collection, not the job type.
await client.submit('thumbnails', {});
`;

/** Compiled with the browser's types, without Node's. */
const BROWSER = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2024', '--lib', 'es2025,dom', '--types', ''];
const BUNDLER = ['--module', 'esnext', '--moduleResolution', 'bundler'];

const MAX_RETRY_AFTER_SECONDS = 60;

const jobSchema = z.object({ status: z.enum(['Pending', 'Running', 'Succeeded']), statusUrl: z.url() });

function expectRetryAfter(response: Response): void {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  expect(seconds).toSatisfy(Number.isInteger);
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(MAX_RETRY_AFTER_SECONDS);
}

describe("the project with the README's job type, built", () => {
  let folder: string;
  let store: Store;
  beforeAll(async () => {
    folder = copyProject();
    store = await createStore('embedded');
    writeFileSync(join(folder, jobPath), jobSource);
    execFileSync(process.execPath, ['src/print/client-types.ts', 'src/client/job-types.ts'], { cwd: folder });
    buildProject(folder);
  });
  afterAll(() => {
    store.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has a client package with the types of that job type', async () => {
    const built = readdirSync(join(folder, 'dist/client')).filter((name) => name.endsWith('.js'));
    const imported = built.flatMap((name) => {
      const source = readFileSync(join(folder, 'dist/client', name), 'utf8');
      return [...source.matchAll(/\b(?:from|import)\b\s*\(?\s*(['"])(.*?)\1/g)].map(([, , specifier]) => specifier);
    });
    expect(imported).toContain('./wait.js');
    // The client needs neither the server's modules nor any package.
    expect(imported.filter((specifier) => !specifier?.startsWith('./'))).toEqual([]);

    // From inside the folder, `accepted/client` resolves to the package itself.
    writeFileSync(join(folder, 'dist/page.ts'), PAGE);
    writeFileSync(join(folder, 'dist/example.ts'), example);
    writeFileSync(
      join(folder, 'dist/declared.ts'),
      `import { createClient } from 'accepted/client';\n${declaration}await client.read('');\n`,
    );
    const tsc = join(folder, 'node_modules/.bin/tsc');
    const files = ['page.ts', 'example.ts', 'declared.ts'].map((name) => join(folder, 'dist', name));
    const checked = spawnSync(process.execPath, [tsc, ...BROWSER, ...BUNDLER, ...files], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(checked.stdout).toBe('');
    expect(checked.status).toBe(0);

    const { url } = await startAppForTest('redis');
    writeFileSync(join(folder, 'dist/example.ts'), example.replace('http://localhost:4000', url));
    const { promise: printed, resolve } = Promise.withResolvers<string>();
    const child = spawn(process.execPath, [join(folder, 'dist/example.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.once('close', () => resolve(text));
    expect(await printed).toMatch(/^(\d+ %\n)*100 %\n1 new, 0 rejected\n$/);
  });

  it('runs as from its sources, with that job type', async () => {
    const { url } = await startProcess({ main: join(folder, 'dist/main.js'), settings: store.settings });

    const accepted = await fetch(`${url}/api/customers`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        id: 'built-1',
        customername: '  Ada   Lovelace ',
        email: 'Ada@Example.com',
        country: 'gb',
      }),
    });
    expect(accepted.status).toBe(202);
    expectRetryAfter(accepted);
    const location = z.url().parse(accepted.headers.get('Location'));
    expect(jobSchema.parse(await accepted.json()).statusUrl).toBe(location);

    const done = await poll(
      async () => {
        const response = await fetch(location, { redirect: 'manual' });
        if (response.status === 202) expectRetryAfter(response);
        const { status } = jobSchema.parse(await response.json());
        return { http: response.status, status, location: response.headers.get('Location') };
      },
      ({ http }) => http !== 202,
    );
    expect(done).toEqual({ http: 303, status: 'Succeeded', location: `${url}/api/customers/built-1` });

    const customer = await fetch(`${url}/api/customers/built-1`);
    expect(customer.status).toBe(200);
    expect(await customer.json()).toEqual({
      id: 'built-1',
      customername: 'Ada Lovelace',
      email: 'ada@example.com',
      phone: null,
      country: 'GB',
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });

    const thumbnail = await fetch(`${url}/api/thumbnails`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ url: 'https://example.com/cat.png' }),
    });
    expect(thumbnail.status).toBe(202);
    const result = await poll(
      () => fetch(`${thumbnail.headers.get('location')}?onComplete=stream`),
      (answer) => answer.status !== 202,
    );
    expect(await result.json()).toEqual({ width: 64, height: 64 });
  });
});
