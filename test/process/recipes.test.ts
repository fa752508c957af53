import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { SAMPLE } from '../support/projects.ts';

const SOURCE = join(SAMPLE, 'test/recipes');
const guide = readFileSync(join(SAMPLE, 'docs/clients.md'), 'utf8');
const [typeGeneration = ''] = /^npx .*$/m.exec(guide) ?? [];
const recipes = readdirSync(SOURCE).filter((name) => extname(name) !== '');
const programs = recipes.filter((name) => name !== 'operations.ts');

/** The program that runs a recipe, by the recipe's extension. */
const PROGRAMS: Readonly<Record<string, string>> = { '.ts': process.execPath, '.py': inject('python'), '.sh': 'bash' };

it.each(recipes)('docs/clients.md quotes %s', (name) => {
  expect(guide).toContain(`\n${readFileSync(join(SOURCE, name), 'utf8')}\`\`\`\n`);
});

describe('a client that others make', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'accepted-recipes-'));
    cpSync(SOURCE, folder, { recursive: true });
    symlinkSync(join(SAMPLE, 'node_modules'), join(folder, 'node_modules'), 'junction');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Resolves to all that a program prints, once it has ended without an error. */
  async function run(program: string, args: readonly string[]): Promise<string> {
    const { promise: ended, resolve } = Promise.withResolvers<number | null>();
    // npx asks before it installs, but not in a script.
    const env = { ...process.env, npm_config_yes: 'true' };
    const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    }
    child.once('close', resolve);
    const code = await ended;
    if (code !== 0) expect.fail(`${program} ended with ${code}: ${text}`);
    return text;
  }

  it.each(programs)('submits a job and gets its result: %s', async (name) => {
    const { url } = await startAppForTest('redis', {}, { project: SAMPLE });
    const here = (text: string): string => text.replaceAll('http://localhost:4000', url);
    const file = join(folder, name);
    writeFileSync(file, here(readFileSync(file, 'utf8')));
    const printed = await run(PROGRAMS[extname(name)] ?? '', [file]);
    expect(printed).toMatch(/\bimported\b['"]?: ?1\b/);
  });

  it('has the types that openapi-typescript makes of the server', async () => {
    const { url } = await startAppForTest('redis', {}, { project: SAMPLE, role: 'api' });
    await run('bash', ['-c', typeGeneration.replace('http://localhost:4000', url)]);
    const tsc = join(SAMPLE, 'node_modules/.bin/tsc');
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'esnext', '--moduleResolution', 'bundler'];
    const errors = await run(process.execPath, [tsc, ...options, '--allowImportingTsExtensions', 'openapi-fetch.ts']);
    expect(errors).toBe('');
  });
});
