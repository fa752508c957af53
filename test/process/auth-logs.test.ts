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
    const { settings, remove } = await createStore('redis');
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
    const book = { method: 'POST', body: JSON.stringify({ id: '1', title: 'Emma' }) };
    const json = { 'Content-Type': 'application/json' };
    const jwt = await new SignJWT({ scope: 'read' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('ada')
      .setIssuer(JWT.JWT_ISSUER)
      .setAudience(JWT.JWT_AUDIENCE)
      .setExpirationTime('1m')
      .sign(Buffer.from(SECRET));

    const accepted = await send('/api/books', { ...book, headers: { ...json, ...bearer(keyOf('ada')) } });
    const { id, accessToken } = z.object({ id: z.string(), accessToken: z.string() }).parse(JSON.parse(accepted));
    await send('/api/books', { ...book, headers: { ...json, 'X-API-Key': keyOf('eve') } });
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
    await send(`/api/books?${query}`, { method: 'POST', body: '{', headers: json });
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

  it('say who was refused, and what an admin read or changed', async () => {
    const { settings, remove } = await createStore('redis');
    onTestFinished(remove);
    const output = new PassThrough().setEncoding('utf8');
    let log = '';
    output.on('data', (chunk: string) => (log += chunk));
    const { url, end } = await startProcess({ settings: { ...settings, API_KEYS }, output });
    const send = (path: string, key: string | undefined, init: RequestInit = {}) =>
      fetch(`${url}${path}`, {
        redirect: 'manual',
        ...init,
        headers: { 'Content-Type': 'application/json', ...(key !== undefined && bearer(key)) },
      });
    const graphql = (query: string, key: string) =>
      send('/graphql', key, { method: 'POST', body: JSON.stringify({ query }) });
    const book = { method: 'POST', body: JSON.stringify({ id: '1', title: 'Emma' }) };
    const { id, accessToken } = z
      .object({ id: z.string(), accessToken: z.string() })
      .parse(await (await send('/api/books', keyOf('ada'), book)).json());
    const own = `/api/jobs/${id}`;
    await (await send(`${own}?onPending=synchronous`, keyOf('ada'))).text();

    /** The lines of the audit that a request adds, without times and ids of requests. */
    const added = async (request: () => Promise<Response>): Promise<object[]> => {
      const before = audits().length;
      await (await request()).text();
      // The line of another request, which shows that those of this one are there.
      await (await send('/api/jobs', accessToken)).text();
      const isLast = ({ caller }: Readonly<Record<string, unknown>>): boolean => caller === `job-key:${id}`;
      await poll(
        async () => audits().slice(before),
        (lines) => lines.some(isLast),
      );
      const lines = audits().slice(before);
      expect(lines.at(-1)).toMatchObject({ action: 'forbidden', caller: `job-key:${id}` });
      return lines
        .slice(0, -1)
        .map(({ action, caller, address, jobId, owner }) => ({ action, caller, address, jobId, owner }));
    };
    const auditSchema = z.looseObject({ action: z.string(), msg: z.literal('audit') });
    const audits = () =>
      log.split('\n').flatMap((line) => {
        if (!line.includes('"msg":"audit"')) return [];
        return line.endsWith('}') ? [auditSchema.parse(JSON.parse(line))] : [];
      });
    const admin = { caller: 'key:admin', jobId: id, owner: 'key:ada' };

    expect(await added(() => send(own, keyOf('ada')))).toEqual([]);
    expect(await added(() => send(own, 'wrong'))).toEqual([{ action: 'unauthenticated', address: '127.0.0.1' }]);
    expect(await added(() => graphql('{ __typename }', 'wrong'))).toEqual([
      { action: 'unauthenticated', address: '127.0.0.1' },
    ]);
    const forbidden = [{ action: 'forbidden', caller: 'key:reader' }];
    expect(await added(() => send('/api/books', keyOf('reader'), book))).toEqual(forbidden);
    expect(await added(() => graphql(`mutation { cancelJob(id: "${id}") { id } }`, keyOf('reader')))).toEqual(
      forbidden,
    );
    for (const path of [own, `${own}/result`, `${own}/events`, `/api/operations/${id}`])
      expect(await added(() => send(path, keyOf('admin')))).toEqual([{ action: 'read', ...admin }]);
    expect(await added(() => graphql(`{ jobStatus(id: "${id}") { id } }`, keyOf('admin')))).toEqual([
      { action: 'read', ...admin },
    ]);
    const listed = { action: 'list', caller: 'key:admin' };
    expect(await added(() => send('/api/jobs', keyOf('admin')))).toEqual([listed]);
    const ofAda = { ...listed, owner: 'key:ada' };
    expect(await added(() => send('/api/jobs?caller=key:ada', keyOf('admin')))).toEqual([ofAda]);
    expect(await added(() => send('/api/jobs?caller=key:admin', keyOf('admin')))).toEqual([]);
    expect(await added(() => send('/api/jobs', keyOf('ada')))).toEqual([]);
    expect(await added(() => send(own, keyOf('admin'), { method: 'DELETE' }))).toEqual([
      { action: 'cancel', ...admin },
    ]);
    expect(await added(() => graphql(`mutation { retryJob(id: "${id}") { id } }`, keyOf('admin')))).toEqual([
      { action: 'retry', ...admin },
    ]);
    await end('SIGTERM');
    for (const secret of [accessToken, 'wrong', keyOf('admin')]) expect(log).not.toContain(secret);
  });
});
