import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { compile } from '../support/compile.ts';
import { installNode } from '../support/install-node.ts';
import { INSTALL_MS, type InstalledProject, installPackage, openProject } from '../support/installed.ts';
import { SAMPLE } from '../support/projects.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8');
const [, example = ''] = /```ts\n(import [^\n]* from '\.\/accepted\.client\.ts';[\s\S]*?)```/.exec(guide) ?? [];
const [, component = ''] = /```tsx\n([\s\S]*?)```/.exec(guide) ?? [];

/** Job types of the guide and of the page below, as a project has them. */
const JOBS = `
import { defineJob, z } from 'accepted';

export const customerImport = defineJob({
  name: 'customerImport',
  collection: 'customer-imports',
  description: 'Imports customers.',
  input: z.object({ customers: z.array(z.object({ id: z.string(), customername: z.string() })).max(100) }),
  result: z.object({ imported: z.int(), rejected: z.array(z.string()) }),
  run: ({ customers }) => ({ imported: customers.length, rejected: [] }),
});

export const thumbnail = defineJob({
  name: 'thumbnail',
  collection: 'thumbnails',
  description: 'Makes a thumbnail of an image.',
  input: z.object({ url: z.url(), size: z.enum(['small', 'large']).default('small') }),
  result: z.object({ width: z.int(), height: z.int() }),
  run: () => ({ width: 64, height: 64 }),
});
`;

/** Code of a page that uses the job types of a project. The compiler must reject what is marked. */
const PAGE = `
import type { Job } from 'accepted/client';
import { useJob, useSubmit } from 'accepted/react';
import { createClient } from './accepted.client.ts';

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

/** The types of browsers, without those of Node: the compiler does not look into the declarations of packages. */
const BROWSER = ['--lib', 'es2025,dom', '--types', '', '--skipLibCheck'];

/** Uses what the client loads when it is needed. */
const LOADED_LATER = `
const batch = await client.submitMany('customerImport', [{ customers: [{ id: '46', customername: 'Ada Lovelace' }] }]);
const [{ job }] = batch.items;
const pieces = [];
for await (const piece of client.output(job)) pieces.push(piece);
const results = [];
for await (const result of client.batchResults(batch)) results.push(result);
console.log(\`\${pieces.length} pieces, \${results.length} result\`);
`;

let installed: string;
beforeAll(async () => {
  installed = await installPackage();
}, INSTALL_MS);

/** A project with a generated client. */
async function generate(): Promise<InstalledProject> {
  const project = openProject(installed);
  project.write('jobs/all.ts', JOBS);
  expect(await project.accepted(['generate'])).toMatchObject({ code: 0, stderr: '' });
  return project;
}

describe('the client and the hooks of the package', () => {
  it('need neither the server nor a package but React', () => {
    const folder = join(installed, 'node_modules/accepted/dist');
    const built = globSync('{client,react}/*.{js,d.ts}', { cwd: folder });
    const imported = built.flatMap((path) => {
      const source = readFileSync(join(folder, path), 'utf8');
      return [...source.matchAll(/\b(?:from|import)\b\s*\(?\s*(['"])(.*?)\1/g)].map(([, , specifier]) => specifier);
    });
    expect(imported).toContain('./wait.js');
    expect(imported).toContain('../client/client.js');
    expect(imported.filter((specifier) => !/^(\.\/|\.\.\/client\/|react$)/.test(specifier ?? ''))).toEqual([]);
    expect(readFileSync(join(folder, 'react/react.js'), 'utf8')).toMatch(/^'use client';/);
  });

  it('have the types of the job types, for pages', async () => {
    const project = await generate();
    const files = { 'page.ts': PAGE, 'example.ts': example, 'component.tsx': component };
    for (const [name, text] of Object.entries(files)) project.write(name, text);
    expect(await compile(project, Object.keys(files), BROWSER)).toBe('');
  });

  it.each(['24 or newer', '20'])('run in Node %s', async (version) => {
    const node = version === '20' ? installNode(version) : process.execPath;
    const project = await generate();
    const { url } = await startAppForTest('redis', {}, { project: SAMPLE });
    // Node 20 runs no TypeScript.
    const client = readFileSync(join(project.folder, 'accepted.client.ts'), 'utf8');
    project.write('accepted.client.mjs', stripTypeScriptTypes(client));
    project.write(
      'example.mjs',
      example.replace('.client.ts', '.client.mjs').replace('http://localhost:4000', url) + LOADED_LATER,
    );
    const { stdout } = await promisify(execFile)(node, [join(project.folder, 'example.mjs')]);
    expect(stdout).toMatch(/^(\d+ %\n)*100 %\n1 new, 0 rejected\n0 pieces, 1 result\n$/);
  });
});
