import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createApp } from '../../src/app.ts';
import { type Role, readConfig } from '../../src/config.ts';
import { StartError } from '../../src/core/start-error.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { loadProject } from '../../src/project.ts';
import { startProcess } from '../support/process.ts';
import { LIBRARY } from '../support/projects.ts';
import { createStore } from '../support/stores.ts';

/** Settings for an embedded store in a temporary folder, which is removed with the test. */
async function embeddedSettings(): Promise<{ DATA_DIR: string }> {
  const store = await createStore('embedded');
  onTestFinished(() => store.remove());
  return { DATA_DIR: store.settings.DATA_DIR };
}

async function start(settings: Readonly<Record<string, string>>, role: Role): Promise<void> {
  const config = readConfig(role, { PORT: '0', ...settings });
  const onFatal = (error: unknown): void => {
    throw error;
  };
  const app = await createApp(
    config,
    await loadProject({ folder: LIBRARY, jobsDir: config.JOBS_DIR }),
    createLogger('silent'),
    {
      onFatal,
    },
  );
  onTestFinished(() => app.close());
  await app.listen();
}

/** Expects a start to fail, and resolves to the message of its error. */
async function refusal(settings: Readonly<Record<string, string>>, role: Role = 'all'): Promise<string> {
  const error: unknown = await start(settings, role).then(
    () => expect.fail('the app was started'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartError);
  return error instanceof Error ? error.message : '';
}

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
    const line = await refusal({ ...(await embeddedSettings()), [setting]: value });
    expect(line).toMatch(new RegExp(`^${setting}: `));
  });

  it('names HOST if it is not an address of this machine', async () => {
    // An address reserved for documentation (RFC 5737).
    const line = await refusal({ ...(await embeddedSettings()), HOST: '203.0.113.1', AUTH: 'none' });
    expect(line).toMatch(/^HOST: .*203\.0\.113\.1/);
  });

  it('names DATA_DIR if it is a file', async () => {
    const { DATA_DIR } = await embeddedSettings();
    const file = join(DATA_DIR, 'file');
    writeFileSync(file, '');
    expect(await refusal({ DATA_DIR: file })).toMatch(/^DATA_DIR: /);
  });

  it('names PORT if another process listens on it', async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = z.object({ port: z.int() }).parse(server.address());
    const line = await refusal({ ...(await embeddedSettings()), PORT: String(port) });
    expect(line).toMatch(/^PORT: /);
    expect(line).toContain(String(port));
  });

  it.each(['worker', 'api'] as const)('names QUEUE_URL if the role is %s and the queue is embedded', async (role) => {
    const line = await refusal(await embeddedSettings(), role);
    expect(line).toMatch(/^QUEUE_URL: /);
    expect(line).toContain(`the role ${role}`);
  });

  it.each(['worker', 'api'] as const)(
    'names DATABASE_URL if the role is %s and the database is embedded',
    async (role) => {
      const settings = { ...(await embeddedSettings()), QUEUE_URL: inject('redisUrl') };
      expect(await refusal(settings, role)).toMatch(/^DATABASE_URL: /);
    },
  );

  it('names DATA_DIR if another process uses the folder, and leaves that process undisturbed', async () => {
    const settings = await embeddedSettings();
    const first = await startProcess({ settings });
    const line = await refusal(settings);
    expect(line).toMatch(/^DATA_DIR: /);
    expect(line).toContain(settings.DATA_DIR);
    const { status } = await fetch(`${first.url}/health/ready`);
    expect(status).toBe(200);
    expect(await first.end('SIGTERM')).toBe(0);
  });

  it.each(['QUEUE_URL', 'DATABASE_URL'])('names %s if the PostgreSQL database does not exist', async (setting) => {
    const settings = { ...(await embeddedSettings()), [setting]: `${inject('postgresUrl')}/no_such_database` };
    expect(await refusal(settings)).toMatch(new RegExp(`^${setting}: .*no_such_database`));
  });

  it.each(['20000', 'x'])('names QUEUE_URL if Redis does not have the database %s', async (database) => {
    const settings = { ...(await embeddedSettings()), QUEUE_URL: `${inject('redisUrl')}/${database}` };
    expect(await refusal(settings)).toMatch(/^QUEUE_URL: /);
  });
});
