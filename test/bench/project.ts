import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '../..');

const EMPTY_JOB = `import { z } from 'zod';
import { defineJob } from '../core/define-job.ts';

export default defineJob({
  name: 'empty',
  collection: 'empties',
  description: 'Gives back what it is given.',
  input: z.object({ text: z.string() }),
  result: z.object({ text: z.string() }),
  run: ({ text }) => ({ text }),
});
`;

/** Where such a job is submitted and kept, what it is given, and what it comes to. */
export const EMPTY = { path: '/api/empties', queue: '{empty}', prefix: 'accepted', data: { text: 'nothing' } } as const;

/** A copy of the project with a job type that does no work. */
export function copyWithEmptyJob(): { command(role: string): string[]; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-copy-'));
  for (const name of ['package.json', 'src']) cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'src/jobs/empty.ts'), EMPTY_JOB);
  return {
    command: (role) => [join(folder, 'src/main.ts'), role],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
