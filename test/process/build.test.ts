import { spawn, spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { printClientTypes } from '../../src/print/client-types.ts';
import { startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { installNode } from '../support/install-node.ts';
import { startProcess } from '../support/process.ts';
import { buildProject, copyProject } from '../support/project-copy.ts';
import { type Store, createStore } from '../support/stores.ts';

const PROJECT = join(import.meta.dirname, '../..');
const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
const guide = readFileSync(join(PROJECT, 'docs/clients.md'), 'utf8');
const [, jobPath = '', jobSource = ''] = /```ts\n\/\/ (src\/jobs\/[\w-]+\.ts)\n([\s\S]*?)```/.exec(readme) ?? [];
const [, example = ''] = /```ts\n(import [^\n]* from '\.\/accepted\.ts';[\s\S]*?)```/.exec(guide) ?? [];
const [, declaration = ''] = /```ts\n(import [^\n]* from 'accepted\/client';[\s\S]*?)```/.exec(guide) ?? [];
const [, component = ''] = /```tsx\n([\s\S]*?)```/.exec(guide) ?? [];

/** What `accepted generate` would write beside the built job types. */
const ACCEPTED = printClientTypes([
  { name: 'customerImport', collection: 'customer-imports', importPath: './jobs/customer-import.js' },
  { name: 'thumbnail', collection: 'thumbnails', importPath: './jobs/thumbnail.js' },
]);

/** Code of a page that uses the job types of the README and the project. The compiler must reject what is marked. */
const PAGE = `
import type { Job } from 'accepted/client';
import { useJob, useSubmit } from 'accepted/react';
import { createClient } from './accepted.ts';

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

function useThumbnail() {
  const submitted = useSubmit(client, 'thumbnail');
  submitted.submit({ url: 'https://example.com/cat.png' });
  // @ts-expect-error -- The schema has no field "colour".
  submitted.submit({ url: 'https://example.com/cat.png', colour: 'red' });
  // @ts-expect-error -- There is no result before the job has succeeded.
  document.title = submitted.result.width.toFixed();
  if (submitted.status === 'Succeeded') document.title = submitted.result.width.toFixed();
  const followed = useJob(client, { id: 'thumbnail_1', type: 'thumbnail' });
  if (followed.status === 'Succeeded') document.title = followed.result.width.toFixed();
  const byId = useJob(client, 'thumbnail_1');
  // @ts-expect-error -- The id alone does not tell the type.
  if (byId.status === 'Succeeded') document.title = byId.result.width.toFixed();
}
`;

/** Compiled with the browser's types, without Node's. */
const BROWSER = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2024', '--lib', 'es2025,dom', '--types', ''];
const BUNDLER = [
  '--module',
  'esnext',
  '--moduleResolution',
  'bundler',
  '--allowImportingTsExtensions',
  '--jsx',
  'react-jsx',
];

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
    buildProject(folder);
  });
  afterAll(() => {
    store.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has a client and hooks that need neither the server nor a package but React', () => {
    const built = globSync('dist/{client,react}/*.{js,d.ts}', { cwd: folder });
    const imported = built.flatMap((path) => {
      const source = readFileSync(join(folder, path), 'utf8');
      return [...source.matchAll(/\b(?:from|import)\b\s*\(?\s*(['"])(.*?)\1/g)].map(([, , specifier]) => specifier);
    });
    expect(imported).toContain('./wait.js');
    expect(imported).toContain('../client/client.js');
    expect(imported.filter((specifier) => !/^(\.\/|\.\.\/client\/|react$)/.test(specifier ?? ''))).toEqual([]);
    expect(readFileSync(join(folder, 'dist/react/react.js'), 'utf8')).toMatch(/^'use client';/);
  });

  it('has types for pages that use that job type, without those of Node', () => {
    // From inside the folder, `accepted/client` resolves to the package itself.
    writeFileSync(join(folder, 'dist/accepted.ts'), ACCEPTED);
    const files = Object.entries({
      'page.ts': PAGE,
      'example.ts': example,
      'component.tsx': component,
      'declared.ts': `${declaration}await client.read('');\n`,
    }).map(([name, text]) => {
      writeFileSync(join(folder, 'dist', name), text);
      return join(folder, 'dist', name);
    });
    const tsc = join(folder, 'node_modules/.bin/tsc');
    const checked = spawnSync(process.execPath, [tsc, ...BROWSER, ...BUNDLER, ...files], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(checked.stdout).toBe('');
    expect(checked.status).toBe(0);
  });

  it.each(['24 or newer', '20'])('has a client that runs in Node %s', async (version) => {
    const node = version === '20' ? installNode(version) : process.execPath;
    const { url } = await startAppForTest('redis');
    // Node 20 runs no TypeScript.
    writeFileSync(join(folder, 'dist/accepted.mjs'), stripTypeScriptTypes(ACCEPTED));
    const program = example.replace('./accepted.ts', './accepted.mjs').replace('http://localhost:4000', url);
    writeFileSync(join(folder, 'dist/example.mjs'), program);
    const { promise: printed, resolve } = Promise.withResolvers<string>();
    const child = spawn(node, [join(folder, 'dist/example.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
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
