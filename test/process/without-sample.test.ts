import { execFile, spawn } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { copyProject } from '../support/project-copy.ts';
import { lineWith } from '../support/servers.ts';
import { createStore } from '../support/stores.ts';

const run = promisify(execFile);

/** The noun of the sample in any form, and its packages. */
const SAMPLE = /customer|from '(kysely|libphonenumber-js|iso-3166)'/i;

const TESTS = join(import.meta.dirname, '..');
/** The tests of the sample, of what the documentation shows, and of faults, and the comparison with other software. */
const OF_SAMPLE = [
  'api/sample.test.ts',
  'bench/**',
  'browser/react.test.ts',
  'faults/**',
  'package/{client,package}.test.ts',
  'process/{readme,without-sample}.test.ts',
  'recipes/**',
  'unit/normalize-customer.test.ts',
];

const REPORT = `import { defineJob, z } from '../src/index.ts';

export default defineJob({
  name: 'report',
  collection: 'reports',
  description: 'Makes a report.',
  input: z.object({ title: z.string().max(100) }),
  result: z.object({ pages: z.int32() }),
  run: ({ title }) => ({ pages: title.length }),
});
`;

it('no other test names the sample', () => {
  const others = globSync('**/*.ts', { cwd: TESTS, exclude: OF_SAMPLE });
  expect(others.length).toBeGreaterThan(200);
  expect(others.filter((path) => SAMPLE.test(readFileSync(join(TESTS, path), 'utf8')))).toEqual([]);
});

describe('without the sample, the code', () => {
  let folder: string;
  beforeAll(() => {
    folder = copyProject();
    for (const name of ['src/jobs', 'src/customers', 'accepted.config.ts'])
      rmSync(join(folder, name), { recursive: true });
    mkdirSync(join(folder, 'jobs'));
    writeFileSync(join(folder, 'jobs/report.ts'), REPORT);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('does not name it', () => {
    // Types of the console's documents are generated for the job types that there are.
    const files = readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true }).filter(
      ({ name, parentPath }) => /\.tsx?$/.test(name) && !parentPath.endsWith('generated'),
    );
    const naming = files.filter(({ parentPath, name }) => SAMPLE.test(readFileSync(join(parentPath, name), 'utf8')));
    expect(naming.map(({ name }) => name)).toEqual([]);
  });

  it('compiles', async () => {
    const tsc = join(folder, 'node_modules/typescript/bin/tsc');
    const compiled = run(process.execPath, [tsc, '-p', 'src', '--noEmit', '--checkers', '1'], { cwd: folder });
    await expect(compiled).resolves.toMatchObject({ stdout: '' });
  });

  it('generates, and serves both APIs and all pages, about the job types that are there', async () => {
    await run(process.execPath, ['src/main.ts', 'generate'], { cwd: folder });
    for (const name of ['schema.graphql', 'openapi.json']) {
      const text = readFileSync(join(folder, name), 'utf8');
      expect(text).toMatch(/report/i);
      expect(text).not.toMatch(SAMPLE);
    }
    const store = await createStore('redis');
    onTestFinished(() => store.remove());
    const child = spawn(process.execPath, ['src/main.ts', 'start'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], PORT: '0', ...store.settings },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => void child.once('exit', resolve));
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    const { url } = JSON.parse(await lineWith(child, child.stdout, /"msg":"ready"/));
    const texts = [
      '/openapi.json',
      '/docs',
      '/problems',
      '/problems/queue-full',
      '/problems/invalid-input',
      '/graphql',
    ];
    for (const path of texts) {
      const page = await fetch(`${url}${path}`, { headers: { Accept: 'text/html, application/json;q=0.5' } });
      expect(page.status).toBe(200);
      expect(await page.text()).not.toMatch(SAMPLE);
    }
    const accepted = await fetch(`${url}/api/reports`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=10' },
      body: '{"title":"Q3"}',
    });
    expect(await accepted.json()).toEqual({ pages: 2 });
  });
});
