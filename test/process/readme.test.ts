import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { copyProject } from '../support/project-copy.ts';
import { createStore } from '../support/stores.ts';
import { matchOutput, readTranscripts, runCommand } from '../support/transcript.ts';

const PROJECT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');

describe('the documentation', () => {
  it('has transcripts that can be repeated', async () => {
    const store = await createStore('embedded');
    onTestFinished(() => store.remove());
    const { url = '' } = await startProcess(store);
    const here = new URL(url).host;
    const ids = new Map<string, string>();
    const adapt = (text: string): string =>
      [...ids]
        .reduce((result, [printed, actual]) => result.replaceAll(printed, actual), text)
        .replaceAll('localhost:4000', here);
    const steps = ['README.md', 'docs/rest.md', 'docs/graphql.md'].flatMap((path) => {
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

  it('shows a job type that runs as printed', async () => {
    const [, path = '', source = ''] =
      /```ts\n\/\/ (src\/jobs\/[\w-]+\.ts)\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    const project = copyProject();
    writeFileSync(join(project, path), source);
    const store = await createStore('embedded');
    onTestFinished(() => store.remove());
    const { url } = await startProcess({ ...store, main: join(project, 'src/main.ts') });

    const accepted = await fetch(`${url}/api/thumbnails`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ url: 'https://example.com/cat.png' }),
    });
    expect(accepted.status).toBe(202);
    const result = await poll(
      () => fetch(`${accepted.headers.get('location')}?onComplete=stream`),
      (answer) => answer.status !== 202,
    );
    expect(await result.json()).toEqual({ width: 64, height: 64 });
  });
});
