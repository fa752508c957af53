import { PassThrough } from 'node:stream';
import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { API_KEYS, bearer, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';

const SECRET = 'a secret of thirty-two bytes and more';
const JWT = { JWT_ISSUER: 'https://issuer.example.com', JWT_AUDIENCE: 'accepted', JWT_SECRET: SECRET };

describe('the logs of a server with authentication', () => {
  it('contain no key or token, in whatever way it was sent, accepted or not', async () => {
    const { settings, remove } = await createStore('embedded');
    onTestFinished(remove);
    const output = new PassThrough().setEncoding('utf8');
    let log = '';
    output.on('data', (chunk: string) => (log += chunk));
    const server = await startProcess({ settings: { ...settings, API_KEYS, ...JWT, LOG_LEVEL: 'debug' }, output });
    let replies = '';
    const send = async (path: string, init: RequestInit = {}): Promise<string> => {
      const response = await fetch(`${server.url}${path}`, { redirect: 'manual', ...init });
      const text = await response.text();
      // A redirect keeps the token of its request's URL, for clients that can send it in no other way.
      replies += JSON.stringify([...response.headers].filter(([name]) => name !== 'location'));
      if (response.status >= 400) replies += text;
      return text;
    };
    const customer = { method: 'POST', body: JSON.stringify({ id: '1', customername: 'Ada' }) };
    const json = { 'Content-Type': 'application/json' };
    const jwt = await new SignJWT({ scope: 'read' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('ada')
      .setIssuer(JWT.JWT_ISSUER)
      .setAudience(JWT.JWT_AUDIENCE)
      .setExpirationTime('1m')
      .sign(Buffer.from(SECRET));

    const accepted = await send('/api/customers', { ...customer, headers: { ...json, ...bearer(keyOf('ada')) } });
    const { id, accessToken } = z.object({ id: z.string(), accessToken: z.string() }).parse(JSON.parse(accepted));
    await send('/api/customers', { ...customer, headers: { ...json, 'X-API-Key': keyOf('eve') } });
    const query = `access_token=${accessToken}`;
    const encoded = `access%5Ftoken=${accessToken}`;
    const forged = accessToken.slice(0, -1);
    await poll(
      () => send(`/api/jobs/${id}?${query}&onComplete=status`),
      (text) => text.includes('Succeeded'),
    );
    for (const path of [
      `/api/jobs/${id}`,
      `/api/jobs/${id}/events`,
      `/api/operations/${id}`,
      '/api/jobs',
      '/nothing',
      '/%',
      '/graphql',
    ]) {
      for (const token of [query, encoded, `access_token=${forged}`, `access_token=${jwt}`, `${query}&${query}`])
        await send(`${path}?${token}&query=%7B__typename%7D`);
      for (const token of [jwt, `${jwt}x`, accessToken, forged, keyOf('admin')])
        await send(path, { headers: bearer(token) });
    }
    await send(`/graphql?${query}`, { method: 'POST', body: '{', headers: json });
    await send(`/api/customers?${query}`, { method: 'POST', body: '{', headers: json });
    await send(`/api/jobs/${id}?${query}`, { method: 'DELETE' });
    await server.end('SIGTERM');

    const routes = log.split('\n').filter((line) => line.includes('"msg":"request"'));
    expect(routes.length).toBeGreaterThan(60);
    for (const secret of [SECRET, jwt, accessToken, forged, keyOf('ada'), keyOf('eve'), keyOf('admin')]) {
      expect(log).not.toContain(secret);
      expect(replies).not.toContain(secret);
    }
    // The MAC alone would be as valuable.
    expect(log).not.toContain(accessToken.split('.')[3]);
  });
});
