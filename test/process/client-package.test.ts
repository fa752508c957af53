import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { buildProject, copyProject } from '../support/project-copy.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const [, jobPath = '', jobSource = ''] = /```ts\n\/\/ (src\/jobs\/[\w-]+\.ts)\n([\s\S]*?)```/.exec(readme) ?? [];
const [, example = ''] = /```ts\n(import [^\n]* from 'accepted\/client';\n[\s\S]*?)```/.exec(readme) ?? [];

/** A page's own code, for the job types of the README and the project. That the compiler refuses the last four is what is tested. */
const PAGE = `
import { type Job, createClient } from 'accepted/client';

const client = createClient({ baseUrl: '' });
const { width } = await client.submitAndWait('thumbnail', { url: 'https://example.com/cat.png' });
document.title = width.toFixed();
const job: Job<'thumbnail'> = await client.submit('thumbnail', { url: 'https://example.com/cat.png', size: 'large' });
const again: { width: number; height: number } = await client.wait(job);
// @ts-expect-error -- "huge" is none of the two sizes of the schema.
await client.submit('thumbnail', { url: 'https://example.com/cat.png', size: 'huge' });
// @ts-expect-error -- The schema has no field "colour", and unknown ones are refused.
await client.submit('thumbnail', { url: 'https://example.com/cat.png', colour: 'red' });
// @ts-expect-error -- The width is a number, and a title is text.
document.title = again.width;
// @ts-expect-error -- "thumbnails" is the collection, and no job type has that name.
await client.submit('thumbnails', {});
`;

/** What a page's project has: the browser's types and not Node's. */
const BROWSER = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2024', '--lib', 'es2025,dom', '--types', ''];
const BUNDLER = ['--module', 'esnext', '--moduleResolution', 'bundler'];

it('is built with the types of a new job type, for programs that import the package', async () => {
  const folder = copyProject();
  writeFileSync(join(folder, jobPath), jobSource);
  execFileSync(process.execPath, ['src/print/client-types.ts', 'src/client/job-types.ts'], { cwd: folder });
  buildProject(folder);

  const built = readdirSync(join(folder, 'dist/client')).filter((name) => name.endsWith('.js'));
  const imported = built.flatMap((name) => {
    const source = readFileSync(join(folder, 'dist/client', name), 'utf8');
    return [...source.matchAll(/\b(?:from|import)\b\s*\(?\s*(['"])(.*?)\1/g)].map(([, , specifier]) => specifier);
  });
  expect(imported).toContain('./wait.js');
  // Nothing of the server, and no package.
  expect(imported.filter((specifier) => !specifier?.startsWith('./'))).toEqual([]);

  // Below it a program finds the project as the package that it is.
  writeFileSync(join(folder, 'dist/page.ts'), PAGE);
  writeFileSync(join(folder, 'dist/example.ts'), example);
  const tsc = join(folder, 'node_modules/.bin/tsc');
  const files = ['page.ts', 'example.ts'].map((name) => join(folder, 'dist', name));
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
