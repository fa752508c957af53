import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
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
});
