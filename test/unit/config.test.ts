import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openFileStore } from '../../src/files/open-file-store.ts';
import { StartError } from '../../src/core/start-error.ts';
import { NOTHING_ALLOWED } from '../../src/webhooks/webhook-allow.ts';

const REDIS = 'redis://127.0.0.1:6379/1';
const POSTGRES = 'postgres://127.0.0.1/queue';

/** The error message for these settings. */
function refusal(environment: Record<string, string>, role: 'all' | 'api' | 'worker' = 'all'): string {
  try {
    readConfig(role, environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error('the settings were accepted');
}

describe('readConfig', () => {
  it('requires no settings', () => {
    expect(readConfig('all', {})).toEqual({
      role: 'all',
      PORT: 4000,
      HOST: '127.0.0.1',
      PUBLIC_URL: undefined,
      QUEUE_URL: undefined,
      DATABASE_URL: undefined,
      DATA_DIR: '.data',
      ARTIFACT_MAX_BYTES: 1_073_741_824,
      UPLOAD_MAX_BYTES: 104_857_600,
      CALLER_MAX_UPLOAD_BYTES: 1_073_741_824,
      WORKER_CONCURRENCY: 10,
      JOB_RETENTION_SECONDS: 86_400,
      QUEUE_MAX_DEPTH: 100_000,
      RATE_LIMIT: undefined,
      SHUTDOWN_DELAY_SECONDS: 0,
      SHUTDOWN_GRACE_SECONDS: 10,
      CORS_ORIGINS: [],
      TRUST_PROXY: false,
      WEBHOOK_ALLOW: NOTHING_ALLOWED,
      REST: true,
      GRAPHIQL: true,
      CONSOLE: true,
      GRAPHQL_INTROSPECTION: true,
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'auto',
      LOG_REQUESTS: 1,
      LOG_ERRORS: true,
      auth: { kind: 'open' },
      environment: {},
    });
  });

  it('treats an empty variable as unset', () => {
    const defaults = readConfig('all', {});
    const empty = Object.fromEntries(Object.keys(defaults).map((name) => [name, '']));
    expect(readConfig('all', empty)).toEqual(defaults);
  });

  it('reads each setting, and keeps other variables', () => {
    const config = readConfig('all', {
      PORT: '0',
      HOST: '0.0.0.0',
      AUTH: 'none',
      PUBLIC_URL: 'https://example.com/base',
      QUEUE_URL: REDIS,
      DATABASE_URL: POSTGRES,
      DATA_DIR: '/var/lib/accepted',
      ARTIFACTS_URL: 's3://bucket/prefix?region=eu-central-1',
      ARTIFACT_MAX_BYTES: '1',
      UPLOAD_MAX_BYTES: '2',
      CALLER_MAX_UPLOAD_BYTES: '3',
      AWS_REGION: 'eu-central-1',
      WORKER_CONCURRENCY: '1',
      JOB_RETENTION_SECONDS: '60',
      QUEUE_MAX_DEPTH: '5',
      RATE_LIMIT: '6000/1m',
      SHUTDOWN_DELAY_SECONDS: '5',
      SHUTDOWN_GRACE_SECONDS: '0',
      CORS_ORIGINS: 'https://app.example.com, http://localhost:3000',
      TRUST_PROXY: '127.0.0.1, 10.0.0.0/8',
      WEBHOOK_ALLOW: 'hooks.internal, 10.1.0.0/16',
      REST: 'off',
      GRAPHIQL: 'OFF',
      CONSOLE: 'off',
      GRAPHQL_INTROSPECTION: 'off',
      LOG_LEVEL: 'silent',
      LOG_FORMAT: 'json',
      LOG_REQUESTS: '0.25',
      METRICS_PORT: '9000',
      LOG_ERRORS: 'safe',
      HOME: '/home/somebody',
    });
    expect(config).toEqual({
      role: 'all',
      PORT: 0,
      HOST: '0.0.0.0',
      PUBLIC_URL: 'https://example.com/base',
      QUEUE_URL: REDIS,
      DATABASE_URL: POSTGRES,
      DATA_DIR: '/var/lib/accepted',
      ARTIFACTS_URL: 's3://bucket/prefix?region=eu-central-1',
      ARTIFACT_MAX_BYTES: 1,
      UPLOAD_MAX_BYTES: 2,
      CALLER_MAX_UPLOAD_BYTES: 3,
      AWS_REGION: 'eu-central-1',
      WORKER_CONCURRENCY: 1,
      JOB_RETENTION_SECONDS: 60,
      QUEUE_MAX_DEPTH: 5,
      RATE_LIMIT: { requests: 6000, seconds: 60 },
      SHUTDOWN_DELAY_SECONDS: 5,
      SHUTDOWN_GRACE_SECONDS: 0,
      CORS_ORIGINS: ['https://app.example.com', 'http://localhost:3000'],
      TRUST_PROXY: ['127.0.0.1', '10.0.0.0/8'],
      WEBHOOK_ALLOW: { hosts: new Set(['hooks.internal']), addresses: expect.anything() },
      REST: false,
      GRAPHIQL: false,
      CONSOLE: false,
      GRAPHQL_INTROSPECTION: false,
      LOG_LEVEL: 'silent',
      LOG_FORMAT: 'json',
      LOG_REQUESTS: 0.25,
      METRICS_PORT: 9000,
      LOG_ERRORS: false,
      auth: { kind: 'open' },
      // For the project's own settings.
      environment: expect.objectContaining({ HOME: '/home/somebody' }),
    });
  });

  it('does not change the environment', () => {
    const environment = Object.freeze({ PORT: '4001', HOST: '' });
    expect(readConfig('all', environment)).toMatchObject({ PORT: 4001, HOST: '127.0.0.1' });
  });

  it.each([
    ['http://localhost:4000', 'http://localhost:4000'],
    ['https://example.com/', 'https://example.com'],
    ['https://example.com/base//', 'https://example.com/base'],
  ])('removes trailing slashes from the PUBLIC_URL %s', (given, expected) => {
    expect(readConfig('all', { PUBLIC_URL: given }).PUBLIC_URL).toBe(expected);
  });

  it.each([
    'redis://localhost',
    'rediss://user:secret@example.com:6380/3',
    'redis+sentinel://a:26379,b:26379/main',
    'redis+cluster://a:6379,b:6379',
    'postgres://localhost/queue',
    'postgresql://localhost/queue',
  ])('accepts the QUEUE_URL %s', (url) => {
    expect(readConfig('all', { QUEUE_URL: url }).QUEUE_URL).toBe(url);
  });
});

describe('RATE_LIMIT', () => {
  it.each([
    ['off', undefined],
    ['100/1s', { requests: 100, seconds: 1 }],
    ['6000/10M', { requests: 6000, seconds: 600 }],
    ['1/2h', { requests: 1, seconds: 7200 }],
  ])('accepts %s', (value, limit) => {
    expect(readConfig('all', { RATE_LIMIT: value }).RATE_LIMIT).toEqual(limit);
  });
});

describe('a bad setting', () => {
  it.each([
    ...['-1', '65536', '4000.5', '4e3', '0x10', 'abc', ' 80', '٤', '99999999999'].map((value) => ['PORT', value]),
    ...['example.com', 'ftp://example.com', '/base', 'https://'].map((value) => ['PUBLIC_URL', value]),
    ...['localhost:6379', 'http://localhost', 'mysql://localhost', 'redis:', 'redis'].map((value) => [
      'QUEUE_URL',
      value,
    ]),
    ...['redis://localhost', 'mysql://localhost', 'localhost'].map((value) => ['DATABASE_URL', value]),
    ...['0', '-1', '10001', 'many', '1.5'].map((value) => ['WORKER_CONCURRENCY', value]),
    ...['0', '2000000001', 'forever'].map((value) => ['JOB_RETENTION_SECONDS', value]),
    ...['0', '-1', 'off'].map((value) => ['QUEUE_MAX_DEPTH', value]),
    ...['on', '100', '100/s', '0/1s', '1.5/1s', '100/1d', '-1/1s'].map((value) => ['RATE_LIMIT', value]),
    ...['-1', '3601', '1m'].map((value) => ['SHUTDOWN_DELAY_SECONDS', value]),
    ...['-1', '3601', '10s'].map((value) => ['SHUTDOWN_GRACE_SECONDS', value]),
    ...['true', '1', 'yes', 'on '].map((value) => ['REST', value]),
    ...['false', '0', 'no'].map((value) => ['GRAPHIQL', value]),
    ['GRAPHQL_INTROSPECTION', 'yes'],
    ...['no/such/folder', import.meta.filename].map((value) => ['JOBS_DIR', value]),
    ...['trace', 'INFO', 'verbose'].map((value) => ['LOG_LEVEL', value]),
    ['LOG_ERRORS', 'on'],
    ...['on', '65536', '-1'].map((value) => ['METRICS_PORT', value]),
    ...['2', '-0.5', '10%'].map((value) => ['LOG_REQUESTS', value]),
    ['LOG_FORMAT', 'text'],
    ...['https://hooks.internal', '10.0.0.0/33', 'hooks,,other'].map((value) => ['WEBHOOK_ALLOW', value]),
    ...['files', 'https://bucket', 's3:/bucket', 's3://', 'file:', 's3://b:x'].map((value) => ['ARTIFACTS_URL', value]),
    ...['0', '50000000001', '1 GB'].map((value) => ['ARTIFACT_MAX_BYTES', value]),
    ...['0', '5368709121'].map((value) => ['UPLOAD_MAX_BYTES', value]),
    ['CALLER_MAX_UPLOAD_BYTES', '0'],
    ['AWS_REGION', 'eu central'],
  ])('%s=%s is rejected with its name and the expected form', (name = '', value = '') => {
    expect(refusal({ [name]: value })).toMatch(new RegExp(`^${name}: expected .+$`));
  });

  it.each(['QUEUE_URL', 'DATABASE_URL', 'PUBLIC_URL'])('does not show the password in %s', (name) => {
    expect(refusal({ [name]: 'mysql://user:secret@localhost' })).not.toContain('secret');
  });
});

describe.each(['api', 'worker'] as const)('the role %s', (role) => {
  it('is rejected with the embedded queue, which works in one process only', () => {
    expect(refusal({}, role)).toMatch(new RegExp(`^QUEUE_URL: the role ${role} needs .*redis://.*postgres://`));
    expect(refusal({ QUEUE_URL: '', DATABASE_URL: POSTGRES }, role)).toMatch(/^QUEUE_URL: /);
  });

  it('accepts a shared queue with a shared database', () => {
    const shared = { QUEUE_URL: REDIS, DATABASE_URL: POSTGRES };
    expect(readConfig(role, shared)).toMatchObject({ role, ...shared });
    expect(readConfig(role, { QUEUE_URL: POSTGRES })).toMatchObject({ role, DATABASE_URL: POSTGRES });
  });
});

describe('LOG_ERRORS', () => {
  it.each([
    [{}, true],
    [{ NODE_ENV: 'production' }, false],
    [{ NODE_ENV: 'production', LOG_ERRORS: 'full' }, true],
    [{ LOG_ERRORS: 'safe' }, false],
  ])('with %j logs whole errors: %s', (environment, whole) => {
    expect(readConfig('all', environment).LOG_ERRORS).toBe(whole);
  });
});

describe('DATABASE_URL', () => {
  it.each(['postgres://localhost/both', 'postgresql://localhost/both'])('defaults to the QUEUE_URL %s', (url) => {
    expect(readConfig('all', { QUEUE_URL: url }).DATABASE_URL).toBe(url);
    expect(readConfig('all', { QUEUE_URL: url, DATABASE_URL: '' }).DATABASE_URL).toBe(url);
  });

  it('can differ from the QUEUE_URL', () => {
    expect(readConfig('all', { QUEUE_URL: POSTGRES, DATABASE_URL: `${POSTGRES}2` }).DATABASE_URL).toBe(`${POSTGRES}2`);
  });

  it.each([undefined, REDIS, 'redis+cluster://a:6379'])('is unset by default with the queue %s', (url) => {
    expect(readConfig('all', url === undefined ? {} : { QUEUE_URL: url }).DATABASE_URL).toBeUndefined();
  });
});

describe('the settings of traces', () => {
  const ENDPOINT = 'http://localhost:4318';

  it('turn traces on by what says where they go, and name the service unless another setting does', () => {
    expect(readConfig('all', { OTEL_SERVICE_NAME: 'shop', OTEL_TRACES_SAMPLER: 'always_on' }).traces).toBeUndefined();
    const on = { setting: 'OTEL_EXPORTER_OTLP_ENDPOINT', serviceName: 'accepted' };
    expect(readConfig('all', { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT }).traces).toEqual(on);
    for (const named of [{ OTEL_SERVICE_NAME: 'shop' }, { OTEL_RESOURCE_ATTRIBUTES: 'a=b, service.name=shop' }]) {
      const { traces } = readConfig('all', { OTEL_TRACES_EXPORTER: 'console', ...named });
      expect(traces).toEqual({ setting: 'OTEL_TRACES_EXPORTER', serviceName: undefined });
    }
    for (const off of [{ OTEL_SDK_DISABLED: 'TRUE' }, { OTEL_TRACES_EXPORTER: 'none' }])
      expect(readConfig('all', { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, ...off }).traces).toBeUndefined();
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'ftp://localhost'],
    ['OTEL_TRACES_EXPORTER', 'jaeger'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http'],
    ['OTEL_TRACES_SAMPLER', 'often'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_SDK_DISABLED', 'yes'],
  ])('%s=%s is refused', (name, value) => {
    expect(refusal({ [name]: value })).toMatch(new RegExp(`^${name}: expected `));
  });
});

describe('ARTIFACTS_URL', () => {
  const key = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };

  it.each<[string, object, RegExp]>([
    ['s3://bucket', {}, /^AWS_ACCESS_KEY_ID: /],
    ['s3://bucket', { AWS_ACCESS_KEY_ID: 'key' }, /^AWS_SECRET_ACCESS_KEY: /],
    ['s3://key:secret@bucket', key, /^ARTIFACTS_URL: set AWS_ACCESS_KEY_ID/],
    ['s3://bucket/a b', key, /^ARTIFACTS_URL: expected s3:/],
    ['s3://bucket/../x?zone=1', key, /^ARTIFACTS_URL: unknown parameter "zone"/],
    ['s3://bucket?endpoint=minio:9000', key, /^ARTIFACTS_URL: endpoint: expected a URL/],
    ['s3://bucket?public=https://a.example.com/path', key, /^ARTIFACTS_URL: public: expected a URL/],
    ['file://host/path', {}, /^ARTIFACTS_URL: expected a file: URL/],
  ])('%s is refused by its name, and without a secret', (ARTIFACTS_URL, settings, expected) => {
    const open = (): unknown => openFileStore({ DATA_DIR: '.data', ARTIFACTS_URL, ...settings });
    expect(open).toThrow(expected);
    expect(open).toThrow(StartError);
    expect(open).not.toThrow(/secret@/);
  });

  it.each<[string | undefined, string]>([
    [undefined, `file:${process.cwd()}/.data/files`],
    ['file:///srv/files', 'file:/srv/files'],
    ['file:files', `file:${process.cwd()}/files`],
    ['s3://bucket', 's3:https://s3.us-east-1.amazonaws.com/bucket/'],
    ['s3://bucket/a/b/?endpoint=http://minio:9000', 's3:http://minio:9000/bucket/a/b/'],
    ['s3://bucket?region=eu-central-1', 's3:https://s3.eu-central-1.amazonaws.com/bucket/'],
  ])('%s is %s', (ARTIFACTS_URL, description) => {
    expect(openFileStore({ DATA_DIR: '.data', ARTIFACTS_URL, ...key }).description).toBe(description);
  });
});
