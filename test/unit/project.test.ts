import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { StartError } from '../../src/core/start-error.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type LoadedProject, loadProject } from '../../src/project.ts';

const PROJECT = join(import.meta.dirname, '../..');
const ACCEPTED = pathToFileURL(join(PROJECT, 'src/index.ts')).href;

type Files = Readonly<Record<string, string>>;

/** A project with these files, and a job type in jobs/thumbnail.ts. */
function makeProject(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-project-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const thumbnail = jobFile({ name: 'thumbnail', collection: 'thumbnails' });
  for (const [name, text] of Object.entries({ 'jobs/thumbnail.ts': thumbnail, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Expects that no app can be built from these files, and resolves to the message of the error. */
async function refusalOf(files: Files): Promise<string> {
  const folder = makeProject(files);
  const build = async (): Promise<unknown> => {
    const project = await loadProject({ folder });
    const config = readConfig('all', { DATA_DIR: join(folder, 'data') });
    const onFatal = (error: unknown): void => {
      throw error;
    };
    return createApp(config, project, createLogger('silent'), { onFatal });
  };
  const error: unknown = await build().then(
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
import { defineJob, z } from '${ACCEPTED}';

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

const namesOf = ({ jobs }: LoadedProject): string[] => jobs.map(({ type }) => type.name);

describe("a project's job types", () => {
  it('are those that files export, in sub-folders too, beside helpers, tests and declarations', async () => {
    const folder = makeProject({
      'jobs/mail/send-letter.ts': `export { sendLetter } from './letter.ts';`,
      'jobs/mail/letter.ts': jobFile({}).replace('export default', 'export const sendLetter ='),
      'jobs/index.ts': "export * from './mail/letter.ts';\nexport { default as thumbnail } from './thumbnail.ts';\n",
      'jobs/helper.ts': 'export default { run: 1 };\nexport const twice = (value: number) => 2 * value;\n',
      'jobs/thumbnail.test.ts': "throw new Error('a test was loaded');\n",
      'jobs/thumbnail.spec.js': "throw new Error('a test was loaded');\n",
      'jobs/__tests__/thumbnail.ts': "throw new Error('a test was loaded');\n",
      'jobs/node_modules/other/index.js': "throw new Error('a package was loaded');\n",
      'jobs/types.d.ts': "throw new Error('declarations were loaded');\n",
      'jobs/README.md': 'Not a module.\n',
    });
    const project = await loadProject({ folder });
    expect(namesOf(project).toSorted()).toEqual(['sendLetter', 'thumbnail']);
    expect(project.jobsDir).toBe(join(folder, 'jobs'));
  });

  it.each(['{ "type": "commonjs" }', '{ "type": "module" }', '{}'])(
    'are modules where package.json is %s',
    async (text) => {
      const folder = makeProject({ 'package.json': text, 'jobs/plain.js': jobFile({}) });
      expect(namesOf(await loadProject({ folder })).toSorted()).toEqual(['sendLetter', 'thumbnail']);
    },
  );

  it('are in the folder of the configuration, or in that of JOBS_DIR', async () => {
    const folder = makeProject({
      'work/send-letter.ts': jobFile({}),
      'accepted.config.ts': "export default { jobs: 'work' };\n",
    });
    expect(namesOf(await loadProject({ folder }))).toEqual(['sendLetter']);
    expect(namesOf(await loadProject({ folder, jobsDir: 'jobs' }))).toEqual(['thumbnail']);
  });

  it('may not be missing', async () => {
    const folder = makeProject({});
    rmSync(join(folder, 'jobs'), { recursive: true });
    await expect(loadProject({ folder })).rejects.toThrow(/^no job types found: .* jobs\/.*JOBS_DIR/);
  });
});

describe('the error for an invalid file', () => {
  it('names the file and the field of input that GraphQL cannot express, and what to use instead', async () => {
    const input = 'stamps: z.array(z.object({ validUntil: z.date() }))';
    const line = await refusalOf({ 'jobs/send-letter.ts': jobFile({ input }) });
    expect(line).toMatch(/^jobs\/send-letter\.ts: input\.stamps\[\]\.validUntil: .*z\.date\(\)/);
    expect(line).toContain('z.iso.datetime()');
  });

  it('names the file and the field of a result that GraphQL cannot express', async () => {
    const line = await refusalOf({ 'jobs/send-letter.ts': jobFile({ result: 'sentAt: z.date()' }) });
    expect(line).toMatch(/^jobs\/send-letter\.ts: result\.sentAt: .*z\.date\(\)/);
  });

  it.each(['input', 'result'])('names the file and the field of %s that contains a copy of itself', async (side) => {
    const tree =
      "const tree = z.object({ get leaves() { return z.array(tree.describe('A tree.')); } });\n\nexport default";
    const text = jobFile({ [side]: 'tree' }).replace('export default', tree);
    const line = await refusalOf({ 'jobs/send-letter.ts': text });
    expect(line).toMatch(new RegExp(`^jobs/send-letter\\.ts: ${side}\\.tree`));
  });

  it('names the file of an input that makes a new schema each time', async () => {
    const tree =
      'const tree = () => z.object({ left: z.lazy(tree).optional(), right: z.lazy(tree).optional() });\n\nexport default';
    const text = jobFile({ input: 'tree: tree()' }).replace('export default', tree);
    const [line] = (await refusalOf({ 'jobs/send-letter.ts': text })).split('\n');
    expect(line).toMatch(/^jobs\/send-letter\.ts: input\.tree.*: a schema that contains a copy of itself never ends/);
  });

  it('names the fields of all files at once, which both APIs have found', async () => {
    const text = await refusalOf({
      'jobs/send-letter.ts': jobFile({
        input: 'a: z.date(), b: z.tuple([z.string()])',
        result: 'c: z.map(z.string(), z.int())',
      }),
      'jobs/send-parcel.ts': jobFile({ name: 'sendParcel', collection: 'parcels', input: 'd: z.set(z.string())' }),
    });
    expect(text.split('\n').map((line) => line.split(': ', 2).join(': '))).toEqual([
      'jobs/send-letter.ts: result.c',
      'jobs/send-letter.ts: input.a',
      'jobs/send-letter.ts: input.b',
      'jobs/send-parcel.ts: input.d',
    ]);
  });

  it('names the file and the field whose GraphQL type is already used by the API', async () => {
    const result = "job: z.object({ text: z.string() }).meta({ id: 'Job' })";
    const line = await refusalOf({ 'jobs/send-letter.ts': jobFile({ result }) });
    expect(line).toMatch(/^jobs\/send-letter\.ts: result\.job: .*\bJob\b/);
  });

  it('names each file, with all that is wrong in it', async () => {
    const lines = await refusalOf({
      'jobs/again.ts': jobFile({ name: 'thumbnail', collection: 'Again' }),
      'jobs/send-letter.ts': jobFile({ name: 'job', collection: 'thumbnails' }),
    });
    expect(lines.split('\n').toSorted()).toEqual([
      expect.stringMatching(/^jobs\/again\.ts: collection "Again" is not in kebab-case$/),
      expect.stringMatching(/^jobs\/send-letter\.ts: name "job" is reserved for the API itself$/),
      expect.stringMatching(
        /^jobs\/thumbnail\.ts: the collection "thumbnails" is already used by jobs\/send-letter\.ts$/,
      ),
      expect.stringMatching(/^jobs\/thumbnail\.ts: the name "thumbnail" is already used by jobs\/again\.ts$/),
    ]);
  });

  it.each([
    ['has a job type without a result', jobFile({}).replace(/result: .*/, ''), /result: expected z\.object/],
    ['has a job type whose input is not an object', jobFile({}).replace(/input: .*/, 'input: z.string(),'), /input: /],
    ['has a job type without a function', jobFile({}).replace(/run: .*/, ''), /run: expected a function/],
    ['has a job type without a name', jobFile({}).replace(/name: .*/, ''), /name: .*string/],
    ['exports a definition as it is', "export default { name: 'sendLetter', input: 1, run() {} };", /defineJob/],
    ['is not valid TypeScript', 'const = 5;\nexport default 5;\n', /\S/],
    ['has TypeScript that Node cannot strip', 'enum Size {\n  Small,\n}\nexport default Size;\n', /enum/],
    ['imports a missing package', "import 'accepted-no-such-package';\n", /accepted-no-such-package/],
    ['imports a missing file', "import './no-such-file.ts';\n", /no-such-file/],
    [
      'throws when it is imported',
      "throw new Error('no licence\\n  for this machine');\n",
      /no licence for this machine$/,
    ],
    ['throws a value that is not an Error', "throw 'no licence';\n", /no licence/],
  ])('names a file that %s', async (_, text, reason) => {
    const line = await refusalOf({ 'jobs/send-letter.ts': text });
    expect(line).toMatch(/^jobs\/send-letter\.ts: [^\n]+$/);
    expect(line).toMatch(reason);
  });

  it.each([
    ['no default', 'export const jobs = "work";'],
    ['a provider that cannot be opened', 'export default { providers: { mailer: 5 } };'],
    ['settings that are no object', 'export default { settings: 5 };'],
  ])('names a configuration that exports %s', async (_, text) => {
    expect(await refusalOf({ 'accepted.config.ts': text })).toMatch(/^accepted\.config\.ts: .*defineConfig$/);
  });
});
