import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { settingsSchema } from '../../src/config.ts';

const FILE = join(import.meta.dirname, '../../deploy/compose.yaml');
const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      build: z.object({ context: z.string() }).optional(),
      command: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.string()).optional(),
      volumes: z.array(z.string()),
      stop_grace_period: z.string().optional(),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
      healthcheck: z.unknown().optional(),
      read_only: z.boolean().optional(),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
});

/** With the defaults of `${NAME:-default}` and `${NAME-default}`. */
function read() {
  const text = readFileSync(FILE, 'utf8').replaceAll(/\$\{\w+:?-([^}]*)\}/g, '$1');
  return composeSchema.parse(parse(text, { merge: true }));
}

it('each volume, folder and service that the compose file names is there', () => {
  const { services, volumes } = read();
  for (const { build, volumes: mounts, depends_on: needed = {} } of Object.values(services)) {
    if (build) expect(existsSync(resolve(dirname(FILE), build.context, 'Dockerfile'))).toBe(true);
    for (const mount of mounts) {
      const [source = ''] = mount.split(':');
      if (source.startsWith('.')) expect([source, existsSync(resolve(dirname(FILE), source))]).toEqual([source, true]);
      else expect(Object.keys(volumes)).toContain(source);
    }
    for (const name of Object.keys(needed)) expect(services).toHaveProperty([name, 'healthcheck']);
  }
});

it.each(['api', 'worker'])('the service %s has settings that exist, and time to drain', (name) => {
  const {
    command,
    environment: settings = {},
    stop_grace_period: grace,
    read_only: isReadOnly,
  } = read().services[name] ?? expect.fail('no service');
  expect(command).toEqual([name]);
  expect(Object.keys(settingsSchema.shape)).toEqual(expect.arrayContaining(Object.keys(settings)));
  expect(settings).toMatchObject({ QUEUE_URL: 'redis://redis:6379' });
  expect(Number.parseInt(grace ?? '', 10)).toBeGreaterThan(Number(settings['SHUTDOWN_GRACE_SECONDS']));
  expect(isReadOnly).toBe(true);
});

it('Redis keeps all jobs on disk and in memory', () => {
  expect(read().services['redis']?.command?.join(' ')).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/);
});

it('Prometheus takes its configuration, which asks each role on the port of its metrics', () => {
  const file = join(dirname(FILE), 'prometheus/prometheus.yaml');
  const checked = spawnSync(inject('promtool'), ['check', 'config', file], { encoding: 'utf8' });
  expect(checked).toMatchObject({ status: 0, stderr: '' });
  const { services } = read();
  const targets = [...readFileSync(file, 'utf8').matchAll(/names: \[(\w+)\], type: A, port: (\d+)/g)];
  expect(targets.map(([, name = '', port]) => services[name]?.environment?.['METRICS_PORT'] === port)).toEqual([
    true,
    true,
  ]);
});
