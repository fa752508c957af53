import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type ProcessOptions, runToEnd } from '../support/process.ts';
import { createStore } from '../support/stores.ts';

/** Expects a process to fail at its start with one readable line, and resolves to that line. */
async function refusal(options: Omit<ProcessOptions, 'settings'>, settings: Record<string, string> = {}) {
  const store = await createStore('embedded');
  onTestFinished(() => store.remove());
  const { code, stderr } = await runToEnd({ ...options, settings: { DATA_DIR: store.settings.DATA_DIR, ...settings } });
  expect(stderr).toMatch(/^accepted: [^\n]+\n$/);
  expect(code).toBe(1);
  return stderr.trimEnd();
}

it('a process with an invalid file among its job types ends with one line that names it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-jobs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'send-letter.js'), "throw new Error('no licence\\n  for this machine');\n");
  expect(await refusal({}, { JOBS_DIR: folder })).toMatch(/^accepted: .*\/send-letter\.js: no licence/);
});

it('a process with an invalid setting ends with one line that names it', async () => {
  expect(await refusal({}, { PORT: 'http' })).toMatch(/^accepted: PORT: /);
});

it.each(['everything', 'toString'])('the unknown command %s ends with the list of commands', async (role) => {
  const { code, stderr } = await runToEnd({ role, settings: {} });
  expect(stderr).toMatch(new RegExp(`^accepted: .*"${role}".*start, api, worker.*\\n.*accepted --help\\n$`));
  expect(code).toBe(2);
});
