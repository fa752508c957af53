import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApiKeys } from '../../src/auth/api-keys.ts';
import { readConfig } from '../../src/config.ts';
import { StartError } from '../../src/core/start-error.ts';
import { runToEnd } from '../support/process.ts';
import { createStore } from '../support/stores.ts';

const HASH = 'a'.repeat(64);
const ISSUER = 'https://issuer.example.com';
const SECRET = 'thirty-two bytes, and none fewer';
const JWT = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: 'accepted' };
const JWKS = `${ISSUER}/keys`;

type Environment = Record<string, string>;

/** The error message for these settings. */
function refusal(environment: Environment, role: 'all' | 'api' = 'all'): string {
  try {
    readConfig(role, environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error('the settings were accepted');
}

describe('a server', () => {
  it.each<[string, Environment, object]>([
    ['nothing', {}, { kind: 'open' }],
    ['AUTH=none', { AUTH: 'none' }, { kind: 'open' }],
    [
      'API keys',
      { API_KEYS: `shop:submit+read:${HASH}` },
      { kind: 'closed', jwt: undefined, apiKeys: [{ name: 'shop', scopes: ['submit', 'read'], hash: HASH }] },
    ],
    [
      'the URL of keys',
      { ...JWT, JWT_JWKS_URL: JWKS },
      {
        kind: 'closed',
        apiKeys: [],
        jwt: { issuer: ISSUER, audience: 'accepted', keys: { kind: 'jwks', url: new URL(JWKS) } },
      },
    ],
    ['a secret', { ...JWT, JWT_SECRET: SECRET }, { kind: 'closed', jwt: { keys: { kind: 'secret', secret: SECRET } } }],
  ])('with %s has the authentication that the settings say', (_, environment, auth) => {
    expect(readConfig('all', environment).auth).toMatchObject(auth);
  });

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('without authentication listens on %s', (HOST) => {
    expect(readConfig('all', { HOST }).HOST).toBe(HOST);
  });

  it.each(['0.0.0.0', '::', '192.168.0.1', 'example.com', '127.0.0.1.example.com'])(
    'without authentication listens on %s only with AUTH=none',
    (HOST) => {
      expect(refusal({ HOST })).toMatch(/^HOST: .*AUTH=none/);
      expect(readConfig('all', { HOST, AUTH: 'none' }).HOST).toBe(HOST);
      expect(readConfig('all', { HOST, API_KEYS: `shop:read:${HASH}` }).HOST).toBe(HOST);
      expect(readConfig('all', { HOST, ...JWT, JWT_SECRET: SECRET }).HOST).toBe(HOST);
    },
  );

  it('with the role worker does not listen, and needs no authentication', () => {
    const stores = { QUEUE_URL: 'redis://127.0.0.1', DATABASE_URL: 'postgres://127.0.0.1/a' };
    expect(readConfig('worker', { ...stores, HOST: '0.0.0.0' }).role).toBe('worker');
    expect(refusal({ ...stores, HOST: '0.0.0.0' }, 'api')).toMatch(/^HOST: /);
  });

  it('accepts several keys of one name, so that a key can be replaced', () => {
    const other = 'b'.repeat(64);
    expect(readConfig('all', { API_KEYS: `shop:read:${HASH}, shop:read:${other.toUpperCase()}` }).auth).toMatchObject({
      apiKeys: [{ name: 'shop' }, { name: 'shop' }],
    });
  });

  it('accepts a JWKS URL on a loopback address without TLS', () => {
    for (const host of ['127.0.0.1:8080', 'localhost', '[::1]:1'])
      expect(readConfig('all', { ...JWT, JWT_JWKS_URL: `http://${host}/keys` }).auth.kind).toBe('closed');
  });
});

describe('a start is stopped', () => {
  it.each<[string, Environment]>([
    ['AUTH', { AUTH: 'off' }],
    ['AUTH', { AUTH: 'none', API_KEYS: `shop:read:${HASH}` }],
    ['AUTH', { AUTH: 'none', ...JWT, JWT_SECRET: SECRET }],
    ['JWT_AUDIENCE', { JWT_ISSUER: ISSUER }],
    ['JWT_AUDIENCE', { JWT_ISSUER: ISSUER, JWT_SECRET: SECRET }],
    ['JWT_ISSUER', { JWT_AUDIENCE: 'accepted' }],
    ['JWT_ISSUER', { JWT_JWKS_URL: JWKS }],
    ['JWT_ISSUER', { JWT_SECRET: SECRET }],
    ['JWT_ISSUER', { API_KEYS: `shop:read:${HASH}`, JWT_SECRET: SECRET }],
    ['JWT_ISSUER', { AUTH: 'none', JWT_SECRET: SECRET }],
    ['JWT_JWKS_URL', JWT],
    ['JWT_SECRET', { ...JWT, JWT_JWKS_URL: JWKS, JWT_SECRET: SECRET }],
    ['JWT_SECRET', { ...JWT, JWT_SECRET: SECRET.slice(1) }],
    ['JWT_JWKS_URL', { ...JWT, JWT_JWKS_URL: 'http://issuer.example.com/keys' }],
    ['JWT_JWKS_URL', { ...JWT, JWT_JWKS_URL: 'http://127.0.0.1.example.com/keys' }],
    ['JWT_JWKS_URL', { ...JWT, JWT_JWKS_URL: 'file:///etc/keys' }],
    ['JWT_JWKS_URL', { ...JWT, JWT_JWKS_URL: 'keys' }],
    ...[
      'shop',
      'shop:read',
      ':read:a',
      `shop::${HASH}`,
      `shop:write:${HASH}`,
      `shop:read+:${HASH}`,
      `a shop:read:${HASH}`,
      `shop:read:${HASH}0`,
      `shop:read:${HASH},`,
      `shop:read:${HASH}:more`,
      'shop:read:accepted_the-key-itself',
      `shop:read:${HASH},other:read:${HASH}`,
    ].map((value): [string, Environment] => ['API_KEYS', { API_KEYS: value }]),
  ])('by an invalid %s, with a line that names it and shows no secret: %j', (name, environment) => {
    const line = refusal(environment);
    expect(line).toMatch(new RegExp(`^${name}: expected .+$`));
    for (const secret of [SECRET, SECRET.slice(1), HASH, 'the-key-itself']) expect(line).not.toContain(secret);
  });

  it('before it listens', async () => {
    const store = await createStore('embedded');
    onTestFinished(() => store.remove());
    const { code, stderr } = await runToEnd({ settings: { ...store.settings, HOST: '0.0.0.0' } });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^accepted: HOST: [^\n]+\n$/) });
  });
});

describe('npm run api-key', () => {
  const run = (...values: string[]) =>
    promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../src/main.ts'), 'api-key', ...values]);

  it('prints a random key, and an entry that accepts it', async () => {
    const { stdout } = await run('shop', 'submit+read');
    const [, key = ''] = /: +(accepted_[\w-]{43})\n/.exec(stdout) ?? [];
    const [, entry = ''] = /: (shop:submit\+read:[\da-f]{64})\n/.exec(stdout) ?? [];
    const { auth } = readConfig('all', { API_KEYS: entry });
    const find = createApiKeys(auth.kind === 'closed' ? auth.apiKeys : []);
    expect(find(key)).toEqual({ kind: 'principal', id: 'key:shop', scopes: new Set(['submit', 'read']) });
    expect(find(`${key}0`)).toBeUndefined();
    expect((await run('shop', 'submit+read')).stdout).not.toContain(key);
  });

  it.each([[[]], [['shop']], [['shop', 'write']], [['a shop', 'read']]])('refuses %j', async (given) => {
    await expect(run(...given)).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^accepted: (expected a name|NAME|SCOPES)/),
    });
  });
});
