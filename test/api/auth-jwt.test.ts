import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type JWTPayload, SignJWT, UnsecuredJWT, exportJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { createJwtVerifier } from '../../src/auth/jwt.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { bearer, clientOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { serve } from '../support/http-server.ts';

const ISSUER = 'https://issuer.example.com';
const AUDIENCE = 'accepted';
const SECRET = 'a secret of thirty-two bytes and more';
const NAMES = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE };
/** No point of the curve. */
const BROKEN_KEY = { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'ES256', alg: 'ES256' };
const HS256 = { alg: 'HS256' };

type Different = Readonly<Record<string, unknown>>;

/** Claims that are good for a minute, and what is different. */
function claims(different: Different = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', scope: 'submit read', exp: now + 60, ...different };
  // What is undefined is not in the JSON; some of it is not what a claim should be, on purpose.
  return JSON.parse(JSON.stringify(all)) as JWTPayload;
}

const sign = (payload: JWTPayload, key: KeyObject | Uint8Array, header: { alg: string; kid?: string }) =>
  new SignJWT(payload).setProtectedHeader(header).sign(key);
const signHs = (payload: JWTPayload, secret = SECRET) => sign(payload, Buffer.from(secret), HS256);
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const PAIRS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
};
type Algorithm = keyof typeof PAIRS;
const ALGORITHMS = Object.keys(PAIRS) as Algorithm[];

async function jwk(alg: Algorithm, kid: string = alg, pair = PAIRS[alg]): Promise<object> {
  return { ...(await exportJWK(pair.publicKey)), alg, kid, use: 'sig' };
}

/** What a token is answered with: `REFUSED`, where it says nothing true. */
async function answerTo(app: Pick<TestApp, 'fetch'>, token: string) {
  const { status, headers, body } = await clientOf(app, bearer(token)).rest('/api/jobs');
  const { detail } = z.looseObject({ detail: z.string().optional() }).parse(body);
  const told = token.length > 40 && JSON.stringify([body, ...headers]).includes(token);
  return { status, error: /error="(\w+)"/.exec(headers.get('www-authenticate') ?? '')?.[1], told, detail };
}
const REFUSED = { status: 401, error: 'invalid_token', told: false };

describe('a JWT that a secret signed', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { ...NAMES, JWT_SECRET: SECRET });
  });
  afterAll(() => app.close());

  const list = async (token: string) => (await clientOf(app, bearer(token)).rest('/api/jobs')).status;
  const now = () => Math.floor(Date.now() / 1000);

  it.each<[string, () => Different]>([
    ['with one audience of several', () => ({ aud: ['another', AUDIENCE] })],
    ['with its scopes as scp, a text', () => ({ scope: undefined, scp: 'read' })],
    ['with its scopes as scp, a list', () => ({ scope: undefined, scp: ['read', 'submit'] })],
    ['with scopes that mean nothing here', () => ({ scope: 'openid read profile' })],
    ['with a scope that is no text beside one that is', () => ({ scope: 7, scp: ['read'] })],
    ['that has expired a moment ago, as clocks differ', () => ({ exp: now() })],
  ])('is taken %s', async (_, different) => {
    expect(await list(await signHs(claims(different())))).toBe(200);
  });

  it.each<[string, string, () => Different]>([
    ['that has expired', 'The token has expired.', () => ({ exp: now() - 60 })],
    ['without an end', 'The token has an invalid claim: exp.', () => ({ exp: undefined })],
    ['that is not valid yet', 'The token has an invalid claim: nbf.', () => ({ nbf: now() + 60 })],
    ['of another issuer', 'The token has an invalid claim: iss.', () => ({ iss: `${ISSUER}/` })],
    ['of no issuer', 'The token has an invalid claim: iss.', () => ({ iss: undefined })],
    ['for another audience', 'The token has an invalid claim: aud.', () => ({ aud: 'another' })],
    ['for no audience', 'The token has an invalid claim: aud.', () => ({ aud: undefined })],
    ['of nobody', 'The token has an invalid claim: sub.', () => ({ sub: undefined })],
    ['of nobody, as an empty text', 'The token has an invalid claim: sub.', () => ({ sub: '' })],
    ['of half a character', 'The token has an invalid claim: sub.', () => ({ sub: '\ud800' })],
    ['with an end that is no number', 'The token has an invalid claim: exp.', () => ({ exp: 'tomorrow' })],
    ['of a number', 'The token has an invalid claim: sub.', () => ({ sub: 42 })],
  ])('is refused %s', async (_, detail, different) => {
    expect(await answerTo(app, await signHs(claims(different())))).toEqual({ ...REFUSED, detail });
  });

  it('is refused with another secret, another algorithm, none, and when it is broken', async () => {
    const good = await signHs(claims());
    const [header, payload, signature] = good.split('.');
    expect(await answerTo(app, await signHs(claims(), `${SECRET}!`))).toMatchObject(REFUSED);
    expect(await answerTo(app, await sign(claims(), Buffer.from(SECRET.repeat(2)), { alg: 'HS512' }))).toMatchObject(
      REFUSED,
    );
    expect(await answerTo(app, await sign(claims(), PAIRS.RS256.privateKey, { alg: 'RS256' }))).toMatchObject(REFUSED);
    expect(await answerTo(app, new UnsecuredJWT(claims()).encode())).toMatchObject(REFUSED);
    for (const alg of ['none', 'None', 'NONE', '', undefined, 'HS257'])
      expect(await answerTo(app, `${base64url({ alg })}.${payload}.${signature}`)).toMatchObject(REFUSED);
    expect(await answerTo(app, `${base64url({ alg: 'none' })}.${payload}.`)).toMatchObject(REFUSED);
    expect(await answerTo(app, `${header}.${base64url(claims({ sub: 'eve' }))}.${signature}`)).toMatchObject(REFUSED);
    expect(
      await answerTo(app, `${base64url({ alg: 'HS256', crit: ['x'], x: 1 })}.${payload}.${signature}`),
    ).toMatchObject(REFUSED);
    for (const broken of [
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${good}.`,
      good.slice(0, -1),
      '..',
      'x',
      '{}',
    ])
      expect(await answerTo(app, broken)).toMatchObject(REFUSED);
  });

  it('has the scopes that it names, and no more', async () => {
    const as = async (scope: string) => clientOf(app, bearer(await signHs(claims({ scope }))));
    const submit = { method: 'POST', body: { id: '1', customername: 'Ada' } };
    expect((await (await as('submit')).rest('/api/customers', submit)).status).toBe(202);
    expect((await (await as('submit')).rest('/api/jobs')).status).toBe(403);
    expect((await (await as('read')).rest('/api/customers', submit)).status).toBe(403);
    expect((await (await as('admin')).rest('/api/jobs')).status).toBe(200);
    for (const none of ['', 'Read', 'reads', 'read,submit', 'customers:read'])
      expect((await (await as(none)).rest('/api/jobs')).status).toBe(403);
  });

  it('stands for its subject, whatever that is', async () => {
    const idSchema = z.object({ id: z.string() });
    const listSchema = z.object({ items: z.array(idSchema) });
    const subjects = [
      'ada',
      'auth0|5f7c',
      'a:b',
      'Ада',
      'with space',
      'x'.repeat(129),
      'x'.repeat(5000),
      '\u0000',
      '{',
      '0',
    ];
    const ids = new Map<string, string>();
    const as = async (sub: string) => clientOf(app, bearer(await signHs(claims({ sub }))));
    for (const sub of subjects) {
      const answer = await (
        await as(sub)
      ).rest('/api/customers', {
        method: 'POST',
        body: { id: '1', customername: 'Ada' },
        headers: { 'Idempotency-Key': '"the same"' },
      });
      expect(answer.status).toBe(202);
      ids.set(sub, idSchema.parse(answer.body).id);
    }
    expect(new Set(ids.values()).size).toBe(subjects.length);
    for (const [sub, id] of ids) {
      const { body } = await (await as(sub)).rest('/api/jobs');
      const items = listSchema.parse(body).items.map((job) => job.id);
      // Ada has submitted with other tests too.
      if (sub === 'ada') expect(items).toContain(id);
      else expect(items).toEqual([id]);
    }
  });

  it('is read by GraphQL too', async () => {
    const client = clientOf(app, bearer(await signHs(claims())));
    expect((await client.graphql('{ __typename }')).body).toEqual({ data: { __typename: 'Query' } });
    const expired = await clientOf(app, bearer(await signHs(claims({ exp: now() - 60 })))).graphql('{ __typename }');
    expect(expired.status).toBe(401);
    expect(expired.body).toEqual({
      errors: [{ message: 'The token has expired.', extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  it('cannot be the key of a job, nor come in a URL', async () => {
    const token = await signHs(claims());
    expect((await clientOf(app, {}, `access_token=${token}`).rest('/api/jobs')).status).toBe(401);
    expect((await clientOf(app, { 'X-API-Key': token }).rest('/api/jobs')).status).toBe(401);
  });
});

describe('a JWT that a private key signed', () => {
  /** Serves a key set that a test changes, and counts who asks for it. */
  async function startIssuer(keys: object[]) {
    const issuer = { keys, asked: 0, url: '', reply: undefined as ((response: ServerResponse) => void) | undefined };
    issuer.url = `${await serve((_request, response) => {
      issuer.asked += 1;
      if (issuer.reply) issuer.reply(response);
      else response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: issuer.keys }));
    })}/keys`;
    return issuer;
  }
  const start = (url: string) =>
    createJwtVerifier(
      { issuer: ISSUER, audience: AUDIENCE, keys: { kind: 'jwks', url: new URL(url) } },
      createLogger('silent'),
    );
  const refused = { problem: 'unauthenticated' };
  const unavailable = { problem: 'service-unavailable', retryAfter: 1 };

  it('is taken by each of its algorithms, and its key is asked for once', async () => {
    const issuer = await startIssuer(await Promise.all(ALGORITHMS.map((alg) => jwk(alg))));
    const verify = start(issuer.url);
    for (const alg of ALGORITHMS) {
      const token = await sign(claims(), PAIRS[alg].privateKey, { alg, kid: alg });
      expect(await verify(token)).toMatchObject({ id: 'jwt:ada' });
      await expect(
        verify(await sign(claims({ exp: 1 }), PAIRS[alg].privateKey, { alg, kid: alg })),
      ).rejects.toMatchObject(refused);
    }
    expect(issuer.asked).toBe(1);
  });

  it('is refused when the public key is taken for a secret', async () => {
    const issuer = await startIssuer([await jwk('RS256')]);
    const verify = start(issuer.url);
    const { publicKey } = PAIRS.RS256;
    const spellings = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      publicKey.export({ type: 'pkcs1', format: 'pem' }),
      JSON.stringify(publicKey.export({ format: 'jwk' })),
      publicKey.export({ format: 'jwk' }).n ?? '',
    ];
    for (const alg of ['HS256', 'RS256']) {
      const text = `${base64url({ alg, kid: 'RS256' })}.${base64url(claims())}`;
      for (const secret of spellings)
        await expect(
          verify(`${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`),
        ).rejects.toMatchObject(refused);
    }
    await expect(verify(await signHs(claims()))).rejects.toMatchObject(refused);
    await expect(verify(new UnsecuredJWT(claims()).encode())).rejects.toMatchObject(refused);
  });

  it('is refused when it brings its own key', async () => {
    const issuer = await startIssuer([await jwk('ES256')]);
    const verify = start(issuer.url);
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const theirs = await serve(async (_request, response) =>
      response.end(JSON.stringify({ keys: [await jwk('ES256', 'ES256', own)] })),
    );
    const header = { alg: 'ES256', kid: 'ES256', jwk: await exportJWK(own.publicKey), jku: theirs };
    await expect(
      verify(await new SignJWT(claims()).setProtectedHeader(header).sign(own.privateKey)),
    ).rejects.toMatchObject(refused);
  });

  it('is refused with the algorithm of another key of the set', async () => {
    const issuer = await startIssuer([await jwk('RS256'), await jwk('ES256')]);
    const verify = start(issuer.url);
    await expect(
      verify(await sign(claims(), PAIRS.RS256.privateKey, { alg: 'PS256', kid: 'RS256' })),
    ).rejects.toMatchObject(refused);
    await expect(
      verify(await sign(claims(), PAIRS.RS256.privateKey, { alg: 'RS512', kid: 'RS256' })),
    ).rejects.toMatchObject(refused);
    await expect(
      verify(await sign(claims(), PAIRS.ES256.privateKey, { alg: 'ES256', kid: 'RS256' })),
    ).rejects.toMatchObject(refused);
  });

  it('is taken when its key is new in the set, and refused when that is gone', async () => {
    const issuer = await startIssuer([await jwk('ES256', 'old')]);
    const verify = start(issuer.url);
    const old = await sign(claims(), PAIRS.ES256.privateKey, { alg: 'ES256', kid: 'old' });
    expect(await verify(old)).toMatchObject({ id: 'jwt:ada' });
    const next = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    issuer.keys = [await jwk('ES256', 'new', next)];
    const token = await sign(claims(), next.privateKey, { alg: 'ES256', kid: 'new' });
    await poll(
      () => verify(token).catch(() => undefined),
      (caller) => caller !== undefined,
    );
    // Many tokens with keys that nobody knows make few questions.
    expect(issuer.asked).toBe(2);
    await expect(verify(old)).rejects.toMatchObject(refused);
  });

  it('is refused ten minutes after its key was withdrawn, also if no other key is asked for', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    onTestFinished(() => void vi.useRealTimers());
    const issuer = await startIssuer([await jwk('ES256', 'old'), await jwk('EdDSA')]);
    const verify = start(issuer.url);
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const token = await sign(claims({ exp }), PAIRS.ES256.privateKey, { alg: 'ES256', kid: 'old' });
    expect(await verify(token)).toMatchObject({ id: 'jwt:ada' });
    issuer.keys = [await jwk('EdDSA')];
    vi.setSystemTime(Date.now() + 599_000);
    expect(await verify(token)).toMatchObject({ id: 'jwt:ada' });
    vi.setSystemTime(Date.now() + 2000);
    await expect(verify(token)).rejects.toMatchObject(refused);
    expect(issuer.asked).toBe(2);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['with an error', (response) => void response.writeHead(500).end()],
    ['that they moved', (response) => void response.writeHead(302, { Location: '/elsewhere' }).end()],
    ['no JSON', (response) => void response.end('<html>')],
    ['no key set', (response) => void response.end('{"keys":7}')],
    ['a key that is none', (response) => void response.end(JSON.stringify({ keys: [BROKEN_KEY] }))],
    ['by hanging up', (response) => void response.destroy()],
    ['nothing', () => undefined],
    ['half', (response) => void response.write('{"keys":[')],
  ])('is not refused when the server of the keys replies %s', async (_, reply) => {
    const issuer = await startIssuer([await jwk('ES256')]);
    issuer.reply = reply;
    const verify = start(issuer.url);
    const token = await sign(claims(), PAIRS.ES256.privateKey, { alg: 'ES256', kid: 'ES256' });
    await expect(verify(token)).rejects.toMatchObject(unavailable);
  });

  it('is answered with 503 on both faces while the server of the keys is down, and taken when it is well', async () => {
    const issuer = await startIssuer([await jwk('ES256')]);
    issuer.reply = (response) => void response.destroy();
    const app = await startAppForTest('redis', { ...NAMES, JWT_JWKS_URL: issuer.url, LOG_LEVEL: 'silent' });
    const token = await sign(claims(), PAIRS.ES256.privateKey, { alg: 'ES256', kid: 'ES256' });
    const client = clientOf(app, bearer(token));
    const { status, headers, body } = await client.rest('/api/jobs');
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    expect(body).toMatchObject({ type: `${app.url}/problems/service-unavailable` });
    const graphql = await client.graphql('{ __typename }');
    expect([graphql.status, graphql.headers.get('retry-after')]).toEqual([503, '1']);
    expect(graphql.body).toMatchObject({ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
    // What needs no key of theirs is answered as ever.
    expect(await answerTo(app, await signHs(claims()))).toMatchObject(REFUSED);
    expect((await app.fetch('/health/ready')).status).toBe(200);
    issuer.reply = undefined;
    await poll(
      () => client.rest('/api/jobs'),
      (answer) => answer.status === 200,
    );
  });

  it('does not make the server ask for keys each time, while they cannot be had', async () => {
    const issuer = await startIssuer([]);
    issuer.reply = (response) => void response.destroy();
    const verify = start(issuer.url);
    const token = await sign(claims(), PAIRS.ES256.privateKey, { alg: 'ES256', kid: 'ES256' });
    for (let tokens = 0; tokens < 50; tokens += 1) await expect(verify(token)).rejects.toMatchObject(unavailable);
    expect(issuer.asked).toBeLessThan(25);
  });
});
