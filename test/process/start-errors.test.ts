import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type ProcessOptions, runToEnd } from '../support/process.ts';
import { createStore } from '../support/stores.ts';

/** Expects a process to fail at its start with readable lines, and resolves to those. */
async function refusals(options: Omit<ProcessOptions, 'settings'>, settings: Record<string, string> = {}) {
  const store = await createStore('embedded');
  onTestFinished(() => store.remove());
  const { code, stderr } = await runToEnd({ ...options, settings: { DATA_DIR: store.settings.DATA_DIR, ...settings } });
  expect(stderr).toMatch(/^(accepted: [^\n]+\n)+$/);
  expect(code).toBe(1);
  return stderr.trimEnd().split('\n');
}

/** Expects one line. */
async function refusal(...parameters: Parameters<typeof refusals>) {
  const [line, ...others] = await refusals(...parameters);
  expect(others).toEqual([]);
  return line;
}

it('a process with an invalid file among its job types ends with one line that names it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-jobs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'send-letter.js'), "throw new Error('no licence\\n  for this machine');\n");
  expect(await refusal({}, { JOBS_DIR: folder })).toMatch(/^accepted: .*\/send-letter\.js: no licence/);
});

it('a process with job types that the APIs cannot express ends with a line for each field, which says what to write', async () => {
  expect(await refusals({}, { JOBS_DIR: join(import.meta.dirname, '../support/jobs/inexpressible') })).toEqual([
    expect.stringMatching(/^accepted: .*\/one\.ts: input\.due: z\.date\(\) is not JSON; write isoDatetimeToDate/),
    expect.stringMatching(/^accepted: .*\/one\.ts: input\.pairs\[\]: z\.tuple\(\) .*; write z\.object/),
    expect.stringMatching(/^accepted: .*\/other\.ts: input\.values: z\.map\(\) is not JSON; write z\.record/),
  ]);
});

it('a process with an invalid setting ends with one line that names it', async () => {
  expect(await refusal({}, { PORT: 'http' })).toMatch(/^accepted: PORT: /);
});

it.each(['everything', 'toString'])('the unknown command %s ends with the list of commands', async (role) => {
  const { code, stderr } = await runToEnd({ role, settings: {} });
  expect(stderr).toMatch(new RegExp(`^accepted: .*"${role}".*start, api, worker.*\\n.*accepted --help\\n$`));
  expect(code).toBe(2);
});
