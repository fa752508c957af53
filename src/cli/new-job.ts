/** `accepted new-job`: a file that runs as it is, and its test. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { readJobsDir } from '../config.ts';
import { StartError } from '../core/start-error.ts';
import { loadConfig } from '../project.ts';
import { type Command, UsageError } from './command.ts';

const NAME = /^[a-z][A-Za-z0-9]{0,39}$/;

export const newJobCommand: Command = {
  positionals: ['NAME'],
  details: 'NAME is in camelCase, such as sendLetter. The files go into the folder of job types.',
  async run({ positionals: [name = ''] }) {
    if (!NAME.test(name)) throw new UsageError('expected a name in camelCase, of at most 40 letters and digits');
    const folder = resolve(readJobsDir() ?? (await loadConfig(process.cwd())).jobs ?? 'jobs');
    const file = kebabCase(name);
    const files = [
      [join(folder, `${file}.ts`), jobSource(name)],
      [join(folder, `${file}.test.ts`), testSource(name)],
    ] as const;
    const taken = files.find(([path]) => existsSync(path));
    if (taken !== undefined) throw new StartError(`${relative('.', taken[0])} exists already`);
    await mkdir(folder, { recursive: true });
    for (const [path, source] of files) {
      await writeFile(path, source, { flag: 'wx' });
      process.stdout.write(`Wrote ${relative('.', path)}\n`);
    }
    process.stdout.write(`\nRun it:   npx accepted dev\nTest it:  ${await testCommand(relative('.', files[1][0]))}\n`);
    return 0;
  },
};

function jobSource(name: string): string {
  return `import { defineJob, z } from 'accepted';

export default defineJob({
  name: '${name}',
  collection: '${plural(kebabCase(name))}',
  description: 'Say in one sentence what the job does.',
  input: z.object({
    text: z.string().max(1000).meta({ description: 'What to work on.', examples: ['Hello'] }),
  }),
  result: z.object({
    length: z.int32().meta({ description: 'What came of it.' }),
  }),
  async run({ text }, job) {
    await job.progress(50, 'half way');
    return { length: text.length };
  },
});
`;
}

function testSource(name: string): string {
  return `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob } from 'accepted/testing';
import job from './${kebabCase(name)}.ts';

test('${name} returns the length of its text', async () => {
  const { result } = await runJob(job, { text: 'Hello' });
  assert.deepEqual(result, { length: 5 });
});
`;
}

/** Node's test runner takes \`import\` in a file only where package.json does not say "commonjs". */
async function testCommand(path: string): Promise<string> {
  const test = `node --test ${path}`;
  const { type } = z.object({ type: z.string().optional() }).parse(JSON.parse(await readPackage()));
  return type === 'commonjs' ? `npm pkg set type=module && ${test}` : test;
}

async function readPackage(): Promise<string> {
  return existsSync('package.json') ? readFile('package.json', 'utf8') : '{}';
}

function plural(name: string): string {
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
