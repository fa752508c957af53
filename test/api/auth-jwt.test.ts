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
/** Not a point on the curve. */
const BROKEN_KEY = { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'ES256', alg: 'ES256' };
const HS256 = { alg: 'HS256' };

type Different = Readonly<Record<string, unknown>>;

/** Valid claims for one minute, with changes. */
function claims(different: Different = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', scope: 'submit read', exp: now + 60, ...different };
  // JSON omits undefined values. Some claims are deliberately of the wrong type.
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

/** The outcome for a token: `REFUSED` if it is not valid. */
async function answerTo(app: Pick<TestApp, 'fetch'>, token: string) {
  const { status, headers, body } = await clientOf(app, bearer(token)).rest('/api/jobs');
  const { detail } = z.looseObject({ detail: z.string().optional() }).parse(body);
  const repeated = token.length > 40 && JSON.stringify([body, ...headers]).includes(token);
  return { status, error: /error="(\w+)"/.exec(headers.get('www-authenticate') ?? '')?.[1], repeated, detail };
}
const REFUSED = { status: 401, error: 'invalid_token', repeated: false };

describe('a JWT signed with a secret', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { ...NAMES, JWT_SECRET: SECRET });
  });
  afterAll(() => app.close());

  const list = async (token: string) => (await clientOf(app, bearer(token)).rest('/api/jobs')).status;
  const now = () => Math.floor(Date.now() / 1000);

  it.each<[string, () => Different]>([
    ['with one audience of several', () => ({ aud: ['another', AUDIENCE] })],
    ['with its scopes as the string scp', () => ({ scope: undefined, scp: 'read' })],
    ['with its scopes as the list scp', () => ({ scope: undefined, scp: ['read', 'submit'] })],
    ['with unknown scopes', () => ({ scope: 'openid read profile' })],
    ['with a scope that is not a string beside a valid scp', () => ({ scope: 7, scp: ['read'] })],
    ['that expired within the clock tolerance', () => ({ exp: now() })],
  ])('is accepted %s', async (_, different) => {
    expect(await list(await signHs(claims(different())))).toBe(200);
  });

  it.each<[string, string, () => Different]>([
    ['that has expired', 'The token has expired.', () => ({ exp: now() - 60 })],
    ['without an expiry', 'The token has an invalid claim: exp.', () => ({ exp: undefined })],
    ['that is not valid yet', 'The token has an invalid claim: nbf.', () => ({ nbf: now() + 60 })],
    ['of another issuer', 'The token has an invalid claim: iss.', () => ({ iss: `${ISSUER}/` })],
    ['without an issuer', 'The token has an invalid claim: iss.', () => ({ iss: undefined })],
    ['for another audience', 'The token has an invalid claim: aud.', () => ({ aud: 'another' })],
    ['without an audience', 'The token has an invalid claim: aud.', () => ({ aud: undefined })],
    ['without a subject', 'The token has an invalid claim: sub.', () => ({ sub: undefined })],
    ['with an empty subject', 'The token has an invalid claim: sub.', () => ({ sub: '' })],
    ['with a lone surrogate as the subject', 'The token has an invalid claim: sub.', () => ({ sub: '\ud800' })],
    ['with an expiry that is not a number', 'The token has an invalid claim: exp.', () => ({ exp: 'tomorrow' })],
    ['with a number as the subject', 'The token has an invalid claim: sub.', () => ({ sub: 42 })],
  ])('is refused %s', async (_, detail, different) => {
    expect(await answerTo(app, await signHs(claims(different())))).toEqual({ ...REFUSED, detail });
  });

  it('is refused with another secret, another algorithm, no algorithm, or a malformed structure', async () => {
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

  it('grants only the scopes that it names', async () => {
    const as = async (scope: string) => clientOf(app, bearer(await signHs(claims({ scope }))));
    const submit = { method: 'POST', body: { id: '1', title: 'Emma' } };
    expect((await (await as('submit')).rest('/api/books', submit)).status).toBe(202);
    expect((await (await as('submit')).rest('/api/jobs')).status).toBe(403);
    expect((await (await as('read')).rest('/api/books', submit)).status).toBe(403);
    expect((await (await as('admin')).rest('/api/jobs')).status).toBe(200);
    for (const none of ['', 'Read', 'reads', 'read,submit', 'books:read'])
      expect((await (await as(none)).rest('/api/jobs')).status).toBe(403);
  });

  it('identifies the caller by any subject', async () => {
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
      ).rest('/api/books', {
        method: 'POST',
        body: { id: '1', title: 'Emma' },
        headers: { 'Idempotency-Key': '"the same"' },
      });
      expect(answer.status).toBe(202);
      ids.set(sub, idSchema.parse(answer.body).id);
    }
    expect(new Set(ids.values()).size).toBe(subjects.length);
    for (const [sub, id] of ids) {
      const { body } = await (await as(sub)).rest('/api/jobs');
      const items = listSchema.parse(body).items.map((job) => job.id);
      // Other tests submit as Ada too.
      if (sub === 'ada') expect(items).toContain(id);
      else expect(items).toEqual([id]);
    }
  });

  it('is accepted by GraphQL too', async () => {
    const client = clientOf(app, bearer(await signHs(claims())));
    expect((await client.graphql('{ __typename }')).body).toEqual({ data: { __typename: 'Query' } });
    const expired = await clientOf(app, bearer(await signHs(claims({ exp: now() - 60 })))).graphql('{ __typename }');
    expect(expired.status).toBe(401);
    expect(expired.body).toEqual({
      errors: [{ message: 'The token has expired.', extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  it('is refused as the access token of a job and in a URL', async () => {
    const token = await signHs(claims());
    expect((await clientOf(app, {}, `access_token=${token}`).rest('/api/jobs')).status).toBe(401);
    expect((await clientOf(app, { 'X-API-Key': token }).rest('/api/jobs')).status).toBe(401);
  });
});

describe('a JWT signed with a private key', () => {
  /** Serves a key set that a test changes, and counts the requests for it. */
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

  it('is accepted with each algorithm, and the keys are fetched once', async () => {
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

  it('is refused if it is signed with the public key as a secret', async () => {
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

  it('is refused if it contains its own key', async () => {
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

  it('is accepted when its key is new in the set, and refused when the key is removed', async () => {
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
    // Many tokens with unknown keys cause few fetches.
    expect(issuer.asked).toBe(2);
    await expect(verify(old)).rejects.toMatchObject(refused);
  });

  it('is refused ten minutes after its key is withdrawn, even if no other key is requested', async () => {
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
    ['with a redirect', (response) => void response.writeHead(302, { Location: '/elsewhere' }).end()],
    ['with a body that is not JSON', (response) => void response.end('<html>')],
    ['with JSON that is not a key set', (response) => void response.end('{"keys":7}')],
    ['with an invalid key', (response) => void response.end(JSON.stringify({ keys: [BROKEN_KEY] }))],
    ['by closing the connection', (response) => void response.destroy()],
    ['with nothing', () => undefined],
    ['with half a body', (response) => void response.write('{"keys":[')],
  ])('is not refused when the server of the keys replies %s', async (_, reply) => {
    const issuer = await startIssuer([await jwk('ES256')]);
    issuer.reply = reply;
    const verify = start(issuer.url);
    const token = await sign(claims(), PAIRS.ES256.privateKey, { alg: 'ES256', kid: 'ES256' });
    await expect(verify(token)).rejects.toMatchObject(unavailable);
  });

  it('gets 503 on both APIs while the key server is down, and is accepted when it is back', async () => {
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
    // Requests that need none of these keys still succeed.
    expect(await answerTo(app, await signHs(claims()))).toMatchObject(REFUSED);
    expect((await app.fetch('/health/ready')).status).toBe(200);
    issuer.reply = undefined;
    await poll(
      () => client.rest('/api/jobs'),
      (answer) => answer.status === 200,
    );
  });

  it('does not cause a fetch for each request while the keys are unavailable', async () => {
    const issuer = await startIssuer([]);
    issuer.reply = (response) => void response.destroy();
    const verify = start(issuer.url);
    const token = await sign(claims(), PAIRS.ES256.privateKey, { alg: 'ES256', kid: 'ES256' });
    for (let tokens = 0; tokens < 50; tokens += 1) await expect(verify(token)).rejects.toMatchObject(unavailable);
    expect(issuer.asked).toBeLessThan(25);
  });
});
