import { execFile } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, inject, it } from 'vitest';
import { poll } from '../support/follow.ts';
import { INSTALL_MS, installPackage, openProject, packPackage } from '../support/installed.ts';

const run = promisify(execFile);
const NEXT_VERSION = '999.0.0';
const READY = /"url":"(http:\/\/127\.0\.0\.1:\d+)/;
/** What npm and the store write. */
const NOT_OF_THE_USER = /^(node_modules|\.data|package(-lock)?\.json)(\/|$)/;

/** The files of a project, as its documentation shows them. */
const FILES: Readonly<Record<string, string>> = {
  '.env': 'GREETING=Good evening\n',
  'accepted.config.ts': `import { defineConfig, z } from 'accepted';

const config = defineConfig({
  settings: z.object({ GREETING: z.string() }),
  providers: { greeting: ({ settings }) => settings.GREETING },
});
export default config;

declare module 'accepted' {
  interface Register {
    config: typeof config;
  }
}
`,
  'jobs/greeting.ts': `import { defineJob, z } from 'accepted';

export default defineJob({
  name: 'greeting',
  collection: 'greetings',
  description: 'Greets somebody.',
  input: z.object({ name: z.string().max(100) }),
  result: z.object({ text: z.string() }),
  run: ({ name }, job) => ({ text: \`\${job.use('greeting')}, \${name}\` }),
});
`,
};

let installed: string;
let next: string;
beforeAll(async () => {
  installed = await installPackage();
  next = await packNext(await packPackage());
}, INSTALL_MS);

/** Makes the package of a later version out of the packed one, with a file changed inside. */
async function packNext(tarball: string): Promise<string> {
  const folder = mkdtempSync(join(inject('scratch'), 'next-'));
  await run('tar', ['-xzf', tarball, '-C', folder]);
  const path = join(folder, 'package/package.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"version": "[^"]+"/, `"version": "${NEXT_VERSION}"`));
  appendFileSync(join(folder, 'package/dist/main.js'), '\n// Of the next version.\n');
  const packed = join(folder, 'accepted.tgz');
  await run('tar', ['-czf', packed, '-C', folder, 'package']);
  return packed;
}

/** The text of each file that the user has, by its path. */
function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !NOT_OF_THE_USER.test(path));
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

it('an upgrade changes no file of the user, and goes on with the stored jobs', async () => {
  const project = openProject(installed);
  const { folder } = project;
  for (const name of ['package-lock.json', 'node_modules']) {
    rmSync(join(folder, name), { force: true });
    cpSync(join(installed, name), join(folder, name), { recursive: true, verbatimSymlinks: true });
  }
  // What a first start makes in seconds.
  mkdirSync(join(folder, '.data'), { mode: 0o700 });
  cpSync(inject('embeddedTemplate'), join(folder, '.data'), { recursive: true });
  for (const [path, text] of Object.entries(FILES)) project.write(path, text);
  expect((await project.accepted(['generate'])).code).toBe(0);
  const before = filesOf(folder);
  expect(Object.keys(before).toSorted()).toEqual(
    [...Object.keys(FILES), 'accepted.client.ts', 'openapi.json', 'schema.graphql'].toSorted(),
  );

  const post = (url: string, body?: object): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
  const submit = async (url: string, name: string): Promise<string> => {
    const response = await post(`${url}/api/greetings`, { name });
    expect(response.status).toBe(202);
    return (await response.json()).id;
  };
  const resultOf = async (url: string, id: string): Promise<unknown> => {
    const done = await poll(
      () => fetch(`${url}/api/jobs/${id}?onComplete=stream`),
      ({ status }) => status !== 202,
    );
    return done.json();
  };

  const old = project.start(['start']);
  const [, oldUrl = ''] = await old.next(READY);
  const done = await submit(oldUrl, 'Ada');
  expect(await resultOf(oldUrl, done)).toEqual({ text: 'Good evening, Ada' });
  expect((await post(`${oldUrl}/api/job-types/greeting/pause`)).status).toBe(200);
  const waiting = await Promise.all(['Grace', 'Alan'].map((name) => submit(oldUrl, name)));
  expect(await old.end()).toBe(0);

  await run('npm', ['install', next, '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
    cwd: folder,
  });
  expect((await project.accepted(['--version'])).stdout).toBe(`${NEXT_VERSION}\n`);
  expect(filesOf(folder)).toEqual(before);
  expect(await project.accepted(['check'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^(ok .*\n)+$/),
  });

  const server = project.start(['start']);
  const [, url = ''] = await server.next(READY);
  expect(await resultOf(url, done)).toEqual({ text: 'Good evening, Ada' });
  for (const id of waiting) expect((await fetch(`${url}/api/jobs/${id}`)).status).toBe(202);
  expect((await post(`${url}/api/job-types/greeting/resume`)).status).toBe(200);
  expect(await Promise.all(waiting.map((id) => resultOf(url, id)))).toEqual([
    { text: 'Good evening, Grace' },
    { text: 'Good evening, Alan' },
  ]);
  expect(await resultOf(url, await submit(url, 'Emmy'))).toEqual({ text: 'Good evening, Emmy' });
  expect(await server.end()).toBe(0);
  expect(filesOf(folder)).toEqual(before);
});
