import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { StartError } from '../../src/core/start-error.ts';
import { createLogger } from '../../src/observability/logger.ts';

const PROJECT = join(import.meta.dirname, '../..');

/** Expects that no app can be built with these additional files in src/jobs/, and resolves to the message of the error. */
async function refusalOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-jobs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'src'));
  cpSync(join(PROJECT, 'src/jobs'), join(folder, 'src/jobs'), { recursive: true });
  for (const name of ['src/core', 'src/customers', 'src/stores', 'node_modules'])
    symlinkSync(join(PROJECT, name), join(folder, name), 'junction');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'src/jobs', name), text);
  const config = readConfig('all', { JOBS_DIR: join(folder, 'src/jobs'), DATA_DIR: join(folder, 'data') });
  const onFatal = (error: unknown): void => {
    throw error;
  };
  const built = createApp(config, createLogger('silent'), { onFatal });
  const error: unknown = await built.then(
    () => expect.fail('the app was built'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartError);
  return error instanceof Error ? error.message : '';
}

/** The source of a job type. */
function jobFile({
  name = 'sendLetter',
  collection = 'letters',
  input = 'text: z.string()',
  result = 'text: z.string()',
}): string {
  return `
import { z } from 'zod';
import { defineJob } from '../core/define-job.ts';

export default defineJob({
  name: '${name}',
  collection: '${collection}',
  description: 'Sends a letter.',
  input: z.object({ ${input} }),
  result: z.object({ ${result} }),
  run: (input) => input,
});
`;
}

describe('the error for an invalid file in src/jobs/', () => {
  it('names the file and the field of input that GraphQL cannot express, and what to use instead', async () => {
    const input = 'stamps: z.array(z.object({ validUntil: z.date() }))';
    const line = await refusalOf({ 'send-letter.ts': jobFile({ input }) });
    expect(line).toMatch(/^src\/jobs\/send-letter\.ts: input\.stamps\[\]\.validUntil: .*z\.date\(\)/);
    expect(line).toContain('z.iso.datetime()');
  });

  it('names the file and the field of a result that GraphQL cannot express', async () => {
    const line = await refusalOf({ 'send-letter.ts': jobFile({ result: 'sentAt: z.date()' }) });
    expect(line).toMatch(/^src\/jobs\/send-letter\.ts: result\.sentAt: .*z\.date\(\)/);
  });

  it.each(['input', 'result'])('names the file and the field of a recursive %s', async (side) => {
    const tree = 'const tree = z.object({ get leaves() { return z.array(tree); } });\n\nexport default';
    const text = jobFile({ [side]: 'tree' }).replace('export default', tree);
    const line = await refusalOf({ 'send-letter.ts': text });
    expect(line).toMatch(new RegExp(`^src/jobs/send-letter\\.ts: ${side}\\.tree`));
  });

  it('names the file and the field whose GraphQL type is already used by the API', async () => {
    const result = "job: z.object({ text: z.string() }).meta({ id: 'Job' })";
    const line = await refusalOf({ 'send-letter.ts': jobFile({ result }) });
    expect(line).toMatch(/^src\/jobs\/send-letter\.ts: result\.job: .*\bJob\b/);
  });

  it('names both files of two job types with the same name', async () => {
    const line = await refusalOf({ 'customer.js': "export { default } from './customer.ts';" });
    expect(line).toMatch(/^src\/jobs\/customer\.ts: .*name "customer".*src\/jobs\/customer\.js/);
  });

  it('names the file of a job type whose name does not match', async () => {
    const line = await refusalOf({ 'send-letter.ts': jobFile({ name: 'customer' }) });
    expect(line).toMatch(/^src\/jobs\/send-letter\.ts: .*"customer".*customer\.ts/);
  });

  it('names both files of two job types with the same collection', async () => {
    const line = await refusalOf({ 'send-letter.ts': jobFile({ collection: 'customers' }) });
    expect(line).toMatch(/^src\/jobs\/send-letter\.ts: .*collection "customers".*src\/jobs\/customer\.ts/);
  });

  it.each([
    ['exports nothing', ''],
    ['exports something else', "export default { name: 'sendLetter' };"],
    ['exports a job type, but not by default', jobFile({}).replace('export default', 'export const sendLetter =')],
    ['exports a job type without a result', jobFile({}).replace(/result: .*/, '')],
    ['exports a job type whose input is not an object', jobFile({}).replace(/input: .*/, 'input: z.string(),')],
  ])('names a file that %s', async (_, text) => {
    expect(await refusalOf({ 'send-letter.ts': text })).toMatch(/^src\/jobs\/send-letter\.ts: \S/);
  });

  it.each([
    ['is not valid TypeScript', 'const = 5;\nexport default 5;\n'],
    ['has TypeScript that Node cannot strip', 'enum Size {\n  Small,\n}\nexport default Size;\n'],
    ['imports a missing package', "import 'accepted-no-such-package';\n"],
    ['imports a missing file', "import './no-such-file.ts';\n"],
    ['throws when it is imported', "throw new Error('no licence\\n  for this machine');\n"],
    ['throws a value that is not an Error', "throw 'no licence';\n"],
  ])('names a file that %s', async (_, text) => {
    expect(await refusalOf({ 'send-letter.ts': text })).toMatch(/^src\/jobs\/send-letter\.ts: \S/);
  });
});
