import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { compile } from '../support/compile.ts';
import { poll } from '../support/follow.ts';
import { installNode } from '../support/install-node.ts';
import { INSTALL_MS, installPackage, openProject } from '../support/installed.ts';
import { createStore } from '../support/stores.ts';

const MAX_INSTALLED_BYTES = 90 * 1024 * 1024;
/** The line on a terminal or in the log that has the URL. */
const READY = /(?:GraphQL +|"url":")(http:\/\/127\.0\.0\.1:\d+)/;

/** The job type of a new user. */
const GREETING = `import { defineJob, z } from 'accepted';

export default defineJob({
  name: 'greeting',
  collection: 'greetings',
  description: 'Greets somebody.',
  input: z.object({ name: z.string().max(100) }),
  result: z.object({ text: z.string() }),
  run: ({ name }) => ({ text: \`Hello, \${name}\` }),
});
`;

let installed: string;
beforeAll(async () => {
  installed = await installPackage();
}, INSTALL_MS);

async function greet(url: string, name: string): Promise<unknown> {
  // A connection that was kept alive ends with a restart.
  const accepted = await poll(
    () =>
      fetch(`${url}/api/greetings`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ name }),
      }).catch(() => Response.error()),
    ({ status }) => status !== 0,
  );
  expect(accepted.status).toBe(202);
  const done = await poll(
    () => fetch(`${accepted.headers.get('Location')}?onComplete=stream`),
    ({ status }) => status !== 202,
  );
  return done.json();
}

function sizeOf(path: string): number {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + readFileSync(join(entry.parentPath, entry.name)).length, 0);
}

describe('the installed package', () => {
  it('is small, without a Node, the sample, or sources', () => {
    expect(sizeOf(join(installed, 'node_modules'))).toBeLessThan(MAX_INSTALLED_BYTES);
    const packages = readdirSync(join(installed, 'node_modules'));
    expect(packages.filter((name) => /^node-(bin-|linux|darwin|win)/.test(name))).toEqual([]);
    for (const name of ['kysely', 'libphonenumber-js', 'iso-3166', 'typescript', 'react'])
      expect(packages).not.toContain(name);
    const files = readdirSync(join(installed, 'node_modules/accepted'), { recursive: true }).map(String);
    expect(files.filter((name) => /customer|(?<!\.d)\.ts$/.test(name))).toEqual([]);
    expect(files).toContain(join('dist', 'index.d.ts'));
    expect(files).toContain(join('dist', 'index.js.map'));
  });

  it('runs a first job with one file and one command, and again after a change', async () => {
    const project = openProject(installed);
    project.write('jobs/greeting.ts', GREETING);
    const dev = project.start(['dev']);
    const [, url = ''] = await dev.next(READY);
    expect(await greet(url, 'Ada')).toEqual({ text: 'Hello, Ada' });

    project.write('jobs/greeting.ts', GREETING.replace('Hello', 'Good evening'));
    const [, again] = await dev.next(READY);
    expect(again).toBe(url);
    expect(await greet(url, 'Ada')).toEqual({ text: 'Good evening, Ada' });

    project.write('jobs/greeting.ts', GREETING.replace('z.string()', 'z.strin()'));
    await dev.next(/jobs\/greeting\.ts: .*strin/);
    project.write('jobs/parts/words.ts', "export const WORD = 'Welcome';\n");
    project.write(
      'jobs/greeting.ts',
      `import { WORD } from './parts/words.ts';\n${GREETING.replace('Hello', '${WORD}')}`,
    );
    await dev.next(READY);
    expect(await greet(url, 'Ada')).toEqual({ text: 'Welcome, Ada' });
    project.write('jobs/parts/words.ts', "export const WORD = 'Goodbye';\n");
    await dev.next(READY);
    expect(await greet(url, 'Ada')).toEqual({ text: 'Goodbye, Ada' });
    expect(await dev.end()).toBe(0);
  });

  it('reads .env anew with each restart, and ends with the npx that started it', async () => {
    const project = openProject(installed);
    project.write(
      'jobs/greeting.ts',
      GREETING.replace('({ name })', '({ name }, job)').replace('Hello', "${job.use('word')}"),
    );
    project.write(
      'accepted.config.ts',
      `import { defineConfig, z } from 'accepted';

export default defineConfig({
  settings: z.object({ WORD: z.string() }),
  providers: { word: ({ settings }) => settings.WORD },
});
`,
    );
    const npx = project.start(['dev'], {}, 'npx');
    await npx.next(/WORD: not set, and required/);
    project.write('.env', 'WORD=Welcome\n');
    const [, url = ''] = await npx.next(READY);
    expect(await greet(url, 'Ada')).toEqual({ text: 'Welcome, Ada' });
    project.write('.env', 'WORD=Goodbye\n');
    await npx.next(READY);
    expect(await greet(url, 'Ada')).toEqual({ text: 'Goodbye, Ada' });

    const closed = new Promise((resolve) => void npx.child.once('close', resolve));
    npx.child.kill('SIGKILL');
    // The server shares the outputs of the shell.
    await closed;
    await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed');
  });

  it('runs the same file on Redis, as an API and a worker, without a database', async () => {
    const store = await createStore('redis');
    onTestFinished(() => store.remove());
    const project = openProject(installed);
    project.write('jobs/greeting.ts', GREETING);
    const settings = { QUEUE_URL: store.settings.QUEUE_URL ?? '' };
    const api = project.start(['api'], settings);
    const worker = project.start(['worker'], settings);
    const [, url = ''] = await api.next(READY);
    expect(await greet(url, 'Ada')).toEqual({ text: 'Hello, Ada' });
    expect([await api.end(), await worker.end()]).toEqual([0, 0]);
  });

  it.each(['22', '24'])('runs on Node %s', async (version) => {
    const project = openProject(installed, installNode(version));
    project.write('jobs/greeting.ts', GREETING);
    const server = project.start(['start']);
    const [, url = ''] = await server.next(READY);
    expect(await greet(url, 'Ada')).toEqual({ text: 'Hello, Ada' });
    expect(await server.end()).toBe(0);
  });

  it('has types with which the job type compiles, and a wrong one does not', async () => {
    const project = openProject(installed);
    project.write('jobs/greeting.ts', GREETING);
    project.write(
      'accepted.config.ts',
      `import { defineConfig, z } from 'accepted';

const config = defineConfig({
  settings: z.object({ SMTP_URL: z.url() }),
  providers: {
    clock: () => ({ now: () => Date.now() }),
    mailer: {
      api: true,
      async open({ settings, onClose }) {
        onClose(() => undefined);
        return { url: settings.SMTP_URL };
      },
    },
  },
});
export default config;

declare module 'accepted' {
  interface Register {
    config: typeof config;
  }
}
`,
    );
    project.write(
      'jobs/mail.ts',
      `import { defineJob, z } from 'accepted';
import { runJob } from 'accepted/testing';

const mail = defineJob({
  name: 'mail',
  collection: 'mails',
  description: 'Mails.',
  input: z.object({ to: z.string() }),
  result: z.object({ url: z.string(), at: z.number() }),
  run: (_, job) => ({ url: job.use('mailer').url, at: job.use('clock').now() }),
});
export default mail;

export async function test(): Promise<number | undefined> {
  // @ts-expect-error -- The clock returns a number.
  await runJob(mail, { to: 'Ada' }, { providers: { clock: { now: () => '6' } } });
  // @ts-expect-error -- There is no such field.
  await runJob(mail, { from: 'Ada' });
  const { result } = await runJob(mail, { to: 'Ada' }, { providers: { clock: { now: () => 6 } } });
  return result?.at;
}

export const wrong = defineJob({
  name: 'wrong',
  collection: 'wrongs',
  description: 'Wrong.',
  input: z.object({}),
  result: z.object({ url: z.string() }),
  // @ts-expect-error -- There is no such provider.
  run: (_, job) => ({ url: job.use('mailbox').url }),
});
`,
    );
    expect(await compile(project, ['accepted.config.ts', 'jobs/greeting.ts', 'jobs/mail.ts'])).toBe('');
  });
});

describe('the command', () => {
  it.each([
    [[], 2, /^Usage: accepted COMMAND/],
    [['--help'], 0, /dev .*\n.*start .*\n/],
    [['generate', '--help'], 0, /--schema PATH/],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
  ])('prints for %j', async (args, code, text) => {
    const { stdout, ...ended } = await openProject(installed).accepted(args);
    expect(stdout).toMatch(text);
    expect(ended).toEqual({ code, stderr: '' });
  });

  it.each([
    [['deploy']],
    [['start', 'now']],
    [['generate', '--schemas', 'x']],
    [['new-job']],
    [['new-job', 'Send-letter']],
  ])('refuses %j', async (args) => {
    const { code, stdout, stderr } = await openProject(installed).accepted(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^accepted: [^\n]+\nHelp: accepted --help\n$/);
  });

  it('generates what clients are built from, without stores and settings of workers', async () => {
    const project = openProject(installed);
    project.write('jobs/greeting.ts', GREETING);
    project.write(
      'accepted.config.ts',
      "import { defineConfig, z } from 'accepted';\n\nexport default defineConfig({ settings: z.object({ SECRET: z.string() }) });\n",
    );
    const { code, stderr } = await project.accepted(['generate', '--schema', 'api.graphql'], {
      QUEUE_URL: 'redis://none',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(readFileSync(join(project.folder, 'api.graphql'), 'utf8')).toContain('submitGreeting(');
    expect(JSON.parse(readFileSync(join(project.folder, 'openapi.json'), 'utf8'))).toHaveProperty([
      'paths',
      '/api/greetings',
    ]);
    expect(existsSync(join(project.folder, '.data'))).toBe(false);
  });

  it('writes a job type that runs as it is, and a test that passes', async () => {
    const project = openProject(installed);
    const { code, stdout } = await project.accepted(['new-job', 'sendLetter']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Wrote jobs/send-letter.test.ts') });
    expect(await compile(project, ['jobs/send-letter.ts', 'jobs/send-letter.test.ts'])).toBe('');
    const [, command = ''] = /Test it: +(.+)/.exec(stdout) ?? [];
    await promisify(execFile)('sh', ['-c', command], { cwd: project.folder });
    expect((await project.accepted(['generate'])).stderr).toBe('');
    expect(await project.accepted(['new-job', 'sendLetter'])).toMatchObject({
      code: 1,
      stderr: 'accepted: jobs/send-letter.ts exists already\n',
    });
  });

  it('checks settings, job types, stores and providers', async () => {
    const project = openProject(installed);
    project.write('jobs/greeting.ts', GREETING);
    expect(await project.accepted(['check'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^(ok .*\n){4}$/),
    });
    const away = await project.accepted(['check', '--role', 'worker'], { QUEUE_URL: 'redis://127.0.0.1:1' });
    expect(away).toMatchObject({ code: 1, stdout: expect.stringMatching(/\nfailed .*QUEUE_URL: cannot be reached/) });
    const wrong = await project.accepted(['check'], { PORT: 'http', REST: 'maybe' });
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringMatching(/failed .*PORT: .*\nfailed .*REST: /) });
    project.write(
      'accepted.config.ts',
      "export default { providers: { mailer: () => { throw new Error('no mail') } } };\n",
    );
    const broken = await project.accepted(['check']);
    expect(broken).toMatchObject({ code: 1, stdout: expect.stringContaining('provider "mailer": no mail') });
  });

  it('reads .env, which the environment goes before', async () => {
    const project = openProject(installed);
    project.write('work/greeting.ts', GREETING);
    project.write('.env', 'JOBS_DIR=work\n');
    expect((await project.accepted(['generate'])).code).toBe(0);
    const { stderr } = await project.accepted(['generate'], { JOBS_DIR: 'jobs' });
    expect(stderr).toBe('accepted: JOBS_DIR: expected an existing folder\n');
  });
});

describe('the code in the documentation', () => {
  const ROOT = join(import.meta.dirname, '../..');
  const guides = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs'))
      .filter((name) => name.endsWith('.md') && name !== 'clients.md')
      .map((name) => join('docs', name)),
  ];
  const blocksOf = (guide: string): string[] =>
    [...readFileSync(join(ROOT, guide), 'utf8').matchAll(/```tsx?\n([^]*?)```/g)].map(([, text = '']) => text);

  // Each compilation checks the types of the package again, so all guides share one, apart from those that declare something for a whole project.
  const withBlocks = guides.filter((guide) => blocksOf(guide).length > 0);
  const alone = withBlocks.filter((guide) => blocksOf(guide).some((text) => text.includes('declare module')));
  const together = withBlocks.filter((guide) => !alone.includes(guide));

  it.each([together, ...alone.map((guide) => [guide])])('of %s and others compiles', async (...group) => {
    const project = openProject(installed);
    // What a reader adds.
    for (const name of ['@types/pg', '@bull-board/api', '@bull-board/fastify', 'valibot'])
      cpSync(join(ROOT, 'node_modules', name), join(installed, 'node_modules', name), { recursive: true });
    const paths = group.flatMap((guide) =>
      blocksOf(guide).map((text, index) => {
        const [, name = `block-${index}.ts`] = /^\/\/ (\S+\.tsx?)\n/.exec(text) ?? [];
        const path = join(guide.replace(/\W/g, '-'), name);
        project.write(path, text);
        return path;
      }),
    );
    expect(await compile(project, paths)).toBe('');
  });
});
