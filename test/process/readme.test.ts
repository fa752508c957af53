import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { settingsSchema } from '../../src/config.ts';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { SAMPLE } from '../support/projects.ts';
import { createStore } from '../support/stores.ts';
import { matchOutput, readTranscripts, runCommand } from '../support/transcript.ts';

const run = promisify(execFile);
const read = (path: string): string => readFileSync(join(SAMPLE, path), 'utf8');

const GUIDES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(SAMPLE, 'docs')).map((name) => `docs/${name}`),
].filter((path) => path.endsWith('.md'));
const SETTINGS = [...Object.keys(settingsSchema.shape), 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_SERVICE_NAME'];

/** The lines of all shell blocks; one that is continued is one line. */
const shellLines = (markdown: string): string[] =>
  [...markdown.matchAll(/^```(?:sh|console)\n([^]*?)^```/gm)].flatMap(([, block = '']) =>
    block.replaceAll(/\\\n\s*/g, '').split('\n'),
  );

const urlOf = (path: string): string => pathToFileURL(join(SAMPLE, path)).href;

/** A folder with the job type of the README and those of the sample. */
function makeJobs(): string {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [, greeting = ''] = /```ts\n(import[^]*?)```/.exec(read('README.md')) ?? [];
  writeFileSync(join(folder, 'greeting.ts'), greeting.replace("'accepted'", `'${urlOf('src/index.ts')}'`));
  for (const name of ['customer', 'customer-import'])
    writeFileSync(join(folder, `${name}.ts`), `export { default } from '${urlOf(`src/jobs/${name}.ts`)}';\n`);
  return folder;
}

describe('the documentation', () => {
  it('has transcripts that can be repeated', async () => {
    const store = await createStore('embedded');
    onTestFinished(() => store.remove());
    const { url = '' } = await startProcess({
      project: SAMPLE,
      settings: { ...store.settings, JOBS_DIR: makeJobs() },
    });
    const here = new URL(url).host;
    const ids = new Map<string, string>();
    const adapt = (text: string): string =>
      [...ids]
        .reduce((result, [printed, actual]) => result.replaceAll(printed, actual), text)
        .replaceAll('localhost:4000', here);
    const steps = ['README.md', 'docs/http-contract.md', 'docs/graphql.md'].flatMap((path) => {
      const found = readTranscripts(read(path));
      expect(`${path}: ${found.length}`).not.toBe(`${path}: 0`);
      return found;
    });
    for (const { command, output } of steps) {
      // Repeats the command until the job is done, as a reader would.
      const actual = await poll(
        async () => runCommand(adapt(command)),
        (printed) => matchOutput(output.replaceAll('localhost:4000', here), printed) !== undefined,
      );
      for (const [printed, id] of matchOutput(output.replaceAll('localhost:4000', here), actual) ?? [])
        ids.set(printed, id);
    }
  });

  it('has commands with their options, scripts and settings that exist', async () => {
    const lines = GUIDES.flatMap((path) => shellLines(read(path)).map((line) => ({ path, line })));
    const scripts = Object.keys(
      z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json'))).scripts,
    );
    const commands = new Set<string>();
    for (const { path, line } of lines) {
      const [, variables = '', command] = /^\$? ?((?:[A-Z_]+=\S+ )*)npx accepted ([^#|]+)/.exec(line) ?? [];
      if (command === undefined) continue;
      commands.add(command.trim());
      for (const [, name = ''] of variables.matchAll(/([A-Z_]+)=/g))
        expect(SETTINGS, `${path}: ${line}`).toContain(name);
    }
    for (const { path, line } of lines)
      for (const [, script] of line.matchAll(/npm run ([\w:-]+)/g))
        expect(scripts, `${path}: ${line}`).toContain(script);
    expect(commands.size).toBeGreaterThan(5);
    const refused = [...commands].map(async (command) => {
      const args = [...command.split(/\s+/), '--help'];
      return run(process.execPath, ['src/main.ts', ...args], { cwd: SAMPLE }).then(
        () => [],
        ({ stderr }: { stderr: string }) => [`${command}: ${stderr}`],
      );
    });
    expect((await Promise.all(refused)).flat()).toEqual([]);
  });
});
