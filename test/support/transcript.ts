import { execFileSync } from 'node:child_process';

/** A command in the README with the output printed below it. */
export interface TranscriptStep {
  readonly command: string;
  readonly output: string;
}

/** The commands in the `console` blocks of a Markdown text, in order. */
export function readTranscripts(markdown: string): TranscriptStep[] {
  const blocks = [...markdown.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...output] = step.split('\n');
        return { command, output: output.join('\n').trimEnd() };
      }),
  );
}

/** Runs a command in a shell, and returns its output with the README's line endings. */
export function runCommand(command: string): string {
  return execFileSync('bash', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .replaceAll('\r', '')
    .trimEnd();
}

const JOB_ID = /\b[a-z][A-Za-z0-9]*_[\w-]{22}(?![\w-])/g;

/** Compares outputs: `…` matches anything, and a job id matches any id. Returns the printed and the actual ids, or undefined. */
export function matchOutput(expected: string, actual: string): Map<string, string> | undefined {
  const ids = [...expected.matchAll(JOB_ID)].map(([id]) => id);
  const pattern = expected
    .replace(JOB_ID, '\u0001')
    .replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('…', '[^]*?')
    .replaceAll('\u0001', String.raw`([a-z]\w*?_[\w-]{22})`);
  const match = new RegExp(`^${pattern}$`).exec(actual);
  return match === null ? undefined : new Map(ids.map((id, index) => [id, match[index + 1] ?? '']));
}
