import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type ProcessOptions, runToEnd, startProcess } from '../support/process.ts';
import { copyProject } from '../support/project-copy.ts';
import { createStore } from '../support/stores.ts';

/** Settings for an embedded store in a temporary folder, which is removed with the test. */
async function embeddedSettings(): Promise<{ DATA_DIR: string }> {
  const store = await createStore('embedded');
  onTestFinished(() => store.remove());
  return { DATA_DIR: store.settings.DATA_DIR };
}

/** Expects a process to fail at its start with one readable line, and resolves to that line. */
async function refusal(options: ProcessOptions): Promise<string> {
  const { code, stderr } = await runToEnd(options);
  expect(stderr).toMatch(/^accepted: [^\n]+\n$/);
  expect(code).toBe(1);
  return stderr.trimEnd();
}

/** Like `refusal`, for a copy of the project with additional files in src/jobs/. */
async function refusalOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = copyProject();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'src/jobs', name), text);
  return refusal({ main: join(folder, 'src/main.ts'), settings: await embeddedSettings() });
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

describe('the error of a start with an invalid file in src/jobs/', () => {
  it('names the file and the field of input that GraphQL cannot express, and what to use instead', async () => {
    const input = 'stamps: z.array(z.object({ validUntil: z.date() }))';
    const line = await refusalOf({ 'send-letter.ts': jobFile({ input }) });
    expect(line).toMatch(/^accepted: src\/jobs\/send-letter\.ts: input\.stamps\[\]\.validUntil: .*z\.date\(\)/);
    expect(line).toContain('z.iso.datetime()');
  });

  it('names the file and the field of a result that GraphQL cannot express', async () => {
    const line = await refusalOf({ 'send-letter.ts': jobFile({ result: 'sentAt: z.date()' }) });
    expect(line).toMatch(/^accepted: src\/jobs\/send-letter\.ts: result\.sentAt: .*z\.date\(\)/);
  });

  it.each(['input', 'result'])('names the file and the field of a recursive %s', async (side) => {
    const tree = 'const tree = z.object({ get leaves() { return z.array(tree); } });\n\nexport default';
    const text = jobFile({ [side]: 'tree' }).replace('export default', tree);
    const line = await refusalOf({ 'send-letter.ts': text });
    expect(line).toMatch(new RegExp(`^accepted: src/jobs/send-letter\\.ts: ${side}\\.tree`));
  });

  it('names the file and the field whose GraphQL type is already used by the API', async () => {
    const result = "job: z.object({ text: z.string() }).meta({ id: 'Job' })";
    const line = await refusalOf({ 'send-letter.ts': jobFile({ result }) });
    expect(line).toMatch(/^accepted: src\/jobs\/send-letter\.ts: result\.job: .*\bJob\b/);
  });

  it('names both files of two job types with the same name', async () => {
    const line = await refusalOf({ 'customer.js': "export { default } from './customer.ts';" });
    expect(line).toMatch(/^accepted: src\/jobs\/customer\.ts: .*name "customer".*src\/jobs\/customer\.js/);
  });

  it('names the file of a job type whose name does not match', async () => {
    const line = await refusalOf({ 'send-letter.ts': jobFile({ name: 'customer' }) });
    expect(line).toMatch(/^accepted: src\/jobs\/send-letter\.ts: .*"customer".*customer\.ts/);
  });

  it('names both files of two job types with the same collection', async () => {
    const line = await refusalOf({ 'send-letter.ts': jobFile({ collection: 'customers' }) });
    expect(line).toMatch(/^accepted: src\/jobs\/send-letter\.ts: .*collection "customers".*src\/jobs\/customer\.ts/);
  });

  it.each([
    ['exports nothing', ''],
    ['exports something else', "export default { name: 'sendLetter' };"],
    ['exports a job type, but not by default', jobFile({}).replace('export default', 'export const sendLetter =')],
    ['exports a job type without a result', jobFile({}).replace(/result: .*/, '')],
    ['exports a job type whose input is not an object', jobFile({}).replace(/input: .*/, 'input: z.string(),')],
  ])('names a file that %s', async (_, text) => {
    expect(await refusalOf({ 'send-letter.ts': text })).toMatch(/^accepted: src\/jobs\/send-letter\.ts: \S/);
  });

  it.each([
    ['is not valid TypeScript', 'const = 5;\nexport default 5;\n'],
    ['has TypeScript that Node cannot strip', 'enum Size {\n  Small,\n}\nexport default Size;\n'],
    ['imports a missing package', "import 'accepted-no-such-package';\n"],
    ['imports a missing file', "import './no-such-file.ts';\n"],
    ['throws when it is imported', "throw new Error('no licence\\n  for this machine');\n"],
    ['throws a value that is not an Error', "throw 'no licence';\n"],
  ])('names a file that %s, in one line', async (_, text) => {
    expect(await refusalOf({ 'send-letter.ts': text })).toMatch(/^accepted: src\/jobs\/send-letter\.ts: \S/);
  });
});

describe('the error of a start with an invalid setting', () => {
  it.each([
    ['PORT', 'http'],
    ['PORT', '65536'],
    ['QUEUE_URL', 'amqp://127.0.0.1/0'],
    ['QUEUE_URL', 'postgres://127.0.0.1:port/accepted'],
    ['QUEUE_URL', 'redis://127.0.0.1:port/0'],
    ['DATABASE_URL', 'redis://127.0.0.1/0'],
    ['LOG_LEVEL', 'loud'],
  ])('names %s if it is %s', async (setting, value) => {
    const line = await refusal({ settings: { ...(await embeddedSettings()), [setting]: value } });
    expect(line).toMatch(new RegExp(`^accepted: ${setting}: `));
  });

  it('names HOST if it is not an address of this machine', async () => {
    // An address reserved for documentation (RFC 5737).
    const line = await refusal({ settings: { ...(await embeddedSettings()), HOST: '203.0.113.1', AUTH: 'none' } });
    expect(line).toMatch(/^accepted: HOST: .*203\.0\.113\.1/);
  });

  it('names DATA_DIR if it is a file', async () => {
    const { DATA_DIR } = await embeddedSettings();
    const file = join(DATA_DIR, 'file');
    writeFileSync(file, '');
    expect(await refusal({ settings: { DATA_DIR: file } })).toMatch(/^accepted: DATA_DIR: /);
  });

  it('names PORT if another process listens on it', async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = z.object({ port: z.int() }).parse(server.address());
    const line = await refusal({ settings: { ...(await embeddedSettings()), PORT: String(port) } });
    expect(line).toMatch(/^accepted: PORT: /);
    expect(line).toContain(String(port));
  });

  it.each(['worker', 'api'])('names QUEUE_URL if the role is %s and the queue is embedded', async (role) => {
    const line = await refusal({ role, settings: await embeddedSettings() });
    expect(line).toMatch(/^accepted: QUEUE_URL: /);
    expect(line).toContain(`start:${role}`);
  });

  it.each(['worker', 'api'])('names DATABASE_URL if the role is %s and the database is embedded', async (role) => {
    const settings = { ...(await embeddedSettings()), QUEUE_URL: inject('redisUrl') };
    expect(await refusal({ role, settings })).toMatch(/^accepted: DATABASE_URL: /);
  });

  it('names DATA_DIR if another process uses the folder, and leaves that process undisturbed', async () => {
    const settings = await embeddedSettings();
    const first = await startProcess({ settings });
    const line = await refusal({ settings });
    expect(line).toMatch(/^accepted: DATA_DIR: /);
    expect(line).toContain(settings.DATA_DIR);
    const { status } = await fetch(`${first.url}/health/ready`);
    expect(status).toBe(200);
    expect(await first.end('SIGTERM')).toBe(0);
  });

  it.each(['QUEUE_URL', 'DATABASE_URL'])('names %s if the PostgreSQL database does not exist', async (setting) => {
    const settings = { ...(await embeddedSettings()), [setting]: `${inject('postgresUrl')}/no_such_database` };
    expect(await refusal({ settings })).toMatch(new RegExp(`^accepted: ${setting}: .*no_such_database`));
  });

  it.each(['20000', 'x'])('names QUEUE_URL if Redis does not have the database %s', async (database) => {
    const settings = { ...(await embeddedSettings()), QUEUE_URL: `${inject('redisUrl')}/${database}` };
    expect(await refusal({ settings })).toMatch(/^accepted: QUEUE_URL: /);
  });

  it.each(['everything', 'toString'])('lists the roles for the unknown role %s', async (role) => {
    const line = await refusal({ role, settings: await embeddedSettings() });
    expect(line).toMatch(new RegExp(`"${role}".*all, api or worker`));
  });
});
