import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { API_KEYS, type Client, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { openSocket } from '../support/raw-http.ts';
import { type Store, createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/files');
const CONTENT = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

const uploadSchema = z.object({ id: z.string(), url: z.url(), headers: z.record(z.string(), z.string()) });
const fileSchema = z.object({ id: z.string(), url: z.url(), sha256: z.string() });
const resultSchema = z.object({ report: fileSchema, source: fileSchema });

describe('files at signed URLs', () => {
  let store: Store;
  let app: TestApp;
  let ada: Client;
  /** Of a job of ada's, whose source is CONTENT. */
  let job: { id: string; report: z.output<typeof fileSchema>; source: z.output<typeof fileSchema> };

  const as = (name: KeyName): Client => clientOf(app, bearer(keyOf(name)));
  const createUpload = async (client: Client, size: number, info: object = {}) => {
    const body = { name: 'a.txt', contentType: 'text/plain', size, ...info };
    const { status, body: created } = await client.rest('/api/uploads', { method: 'POST', body });
    expect(status).toBe(201);
    return uploadSchema.parse(created);
  };
  const put = (url: string, body: Uint8Array<ArrayBuffer> | string, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'PUT', body, headers });
  const run = async (client: Client, input: object) => {
    const submitted = await client.rest('/api/reports', { method: 'POST', body: input });
    expect(submitted.status).toBe(202);
    const { id } = z.object({ id: z.string() }).parse(submitted.body);
    await poll(
      () => client.rest(`/api/jobs/${id}/result`),
      ({ status }) => status !== 404,
    );
    return { id, ...resultSchema.parse((await client.rest(`/api/jobs/${id}/result`)).body) };
  };

  beforeAll(async () => {
    store = await createStore('redis');
    app = await startApp('redis', { JOBS_DIR, API_KEYS, CORS_ORIGINS: 'https://app.example.com' }, { store });
    ada = as('ada');
    const upload = await createUpload(ada, CONTENT.length);
    expect((await put(upload.url, CONTENT)).status).toBe(204);
    job = await run(ada, { document: { id: upload.id } });
  });
  afterAll(async () => {
    await app.close();
    store.remove();
  });

  it('gives up an upload of which nothing arrives for half a minute, and takes it again', async () => {
    const { url, headers } = await createUpload(ada, CONTENT.length);
    const { host, pathname, search } = new URL(url);
    const socket = await openSocket(url);
    const lines = [
      `PUT ${pathname}${search} HTTP/1.1`,
      `Host: ${host}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${CONTENT.length}`,
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    socket.write(CONTENT.subarray(0, 500));
    const reply = await textOf(socket);
    expect(reply).toMatch(/^HTTP\/1\.1 408 /);
    expect(reply).toMatch(/\r\nconnection: close\r\n/i);
    expect(reply).toContain('The upload did not arrive in time.');
    expect((await put(url, CONTENT)).status).toBe(204);
  });

  it('reads any one range as RFC 9110 says, and ignores what it may ignore', async () => {
    const around = fc.integer({ min: 0, max: CONTENT.length + 5 });
    const header = fc.oneof(
      fc.tuple(around, around).map(([first, last]) => `bytes=${first}-${last}`),
      around.map((first) => `bytes=${first}-`),
      around.map((length) => `bytes=-${length}`),
      fc.constantFrom('bytes=', 'bytes=-', 'bytes=a-b', 'items=0-1', 'bytes=0-1,5-6', 'bytes=1-0', 'bytes= 0-1 '),
    );
    await fc.assert(
      fc.asyncProperty(header, async (range) => {
        const reply = await fetch(job.source.url, { headers: { Range: range } });
        const bytes = Buffer.from(await reply.arrayBuffer());
        const [, first = '', last = ''] = /^bytes= ?(\d*)-(\d*) ?$/.exec(range) ?? [];
        const isNone = (first === '' && last === '') || (first !== '' && last !== '' && Number(last) < Number(first));
        const start = first === '' ? Math.max(0, CONTENT.length - Number(last)) : Number(first);
        const end = first === '' || last === '' ? CONTENT.length : Math.min(CONTENT.length, Number(last) + 1);
        if (isNone) {
          expect([reply.status, bytes.equals(CONTENT)]).toEqual([200, true]);
        } else if (start >= CONTENT.length) {
          expect([reply.status, reply.headers.get('content-range')]).toEqual([416, `bytes */${CONTENT.length}`]);
          expect(reply.headers.get('content-type')).toMatch(/problem/);
        } else {
          expect([reply.status, reply.headers.get('content-range')]).toEqual([
            206,
            `bytes ${start}-${end - 1}/${CONTENT.length}`,
          ]);
          expect(bytes.equals(CONTENT.subarray(start, end))).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('answers HEAD, conditions and If-Range', async () => {
    const head = await fetch(job.source.url, { method: 'HEAD', headers: { Range: 'bytes=0-1' } });
    expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([
      200,
      '1000',
      'bytes',
    ]);
    const tag = `"${job.source.sha256}"`;
    const send = async (headers: Record<string, string>) => {
      const reply = await fetch(job.source.url, { headers });
      return [reply.status, (await reply.arrayBuffer()).byteLength];
    };
    expect(await send({ 'If-None-Match': tag })).toEqual([304, 0]);
    expect((await send({ 'If-Match': '"other"' }))[0]).toBe(412);
    expect(await send({ Range: 'bytes=0-1', 'If-Range': tag })).toEqual([206, 2]);
    expect(await send({ Range: 'bytes=0-1', 'If-Range': '"other"' })).toEqual([200, 1000]);
    expect(await send({ Range: 'bytes=0-1', 'If-Range': `W/${tag}` })).toEqual([200, 1000]);
    expect(await send({ Range: 'bytes=0-1', 'If-Range': new Date().toUTCString() })).toEqual([200, 1000]);
    const options = await fetch(job.source.url, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
    expect((await fetch(job.source.url, { method: 'DELETE' })).status).toBe(405);
  });

  it('never lets a browser run what it shows, and lets a page of another origin send and read', async () => {
    const upload = await createUpload(ada, 9, { name: 'x.svg', contentType: 'image/svg+xml' });
    const origin = { Origin: 'https://app.example.com' };
    const preflight = await fetch(upload.url, {
      method: 'OPTIONS',
      headers: { ...origin, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'content-type' },
    });
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT');
    expect((await put(upload.url, '<svg/>   ', { ...origin, ...upload.headers })).status).toBe(204);
    const { source } = await run(ada, { document: { id: upload.id } });
    const { headers } = await fetch(source.url, { headers: origin });
    expect(headers.get('content-disposition')).toMatch(/^attachment;/);
    expect(headers.get('content-security-policy')).toMatch(/^sandbox;/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const foreign = await createUpload(ada, 1);
    const evil = { Origin: 'https://evil.example.com', 'Sec-Fetch-Site': 'cross-site' };
    expect((await put(foreign.url, 'x', evil)).status).toBe(403);
  });

  it("opens nothing to other callers, and takes nobody else's upload", async () => {
    const upload = await createUpload(ada, 3);
    await put(upload.url, 'abc');
    for (const name of ['eve', 'admin'] as const) {
      const reply = await as(name).rest('/api/reports', { method: 'POST', body: { document: { id: upload.id } } });
      expect([name, reply.status]).toEqual([name, 400]);
    }
    const eve = await as('eve').rest(`/api/jobs/${job.id}/result`);
    expect(eve.status).toBe(404);
    expect((await as('reader').rest('/api/uploads', { method: 'POST', body: {} })).status).toBe(403);
    const anyone = clientOf(app);
    expect((await anyone.rest('/api/uploads', { method: 'POST', body: {} })).status).toBe(401);
    expect(
      (
        await as('reader').graphql(
          'mutation { createUpload(input: { name: "a", contentType: "a/b", size: 1 }) { id } }',
        )
      ).body,
    ).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    // The key of the job itself reads its files' URLs.
    expect((await put(upload.url, 'abc')).status).toBe(412);
  });

  it('opens nothing with a URL that was changed in any place', async () => {
    const { pathname, search } = new URL(job.source.url);
    const other = await run(ada, { document: { id: await uploaded('x') } });
    const { pathname: otherPath, search: otherSearch } = new URL(other.source.url);
    const [, , jobId = '', file = ''] = pathname.split('/');
    const later = search.replace(/=(\d+)\./, (_, seconds: string) => `=${Number(seconds) + 1}.`);
    const attacks = [
      pathname,
      pathname + otherSearch,
      // Another file of the same job, and of the same time.
      new URL(job.report.url).pathname + search,
      otherPath + search,
      pathname + later,
      `${pathname}?access_token=`,
      `${pathname}${search}x`,
      `${pathname}${search.slice(0, -1)}`,
      `/files/${jobId}/${encodeURIComponent(`../${jobId}/${file}`)}${search}`,
      `/files/${encodeURIComponent('../..')}/${file}${search}`,
      `/files/${jobId}/${file.toUpperCase()}${search}`,
      `/uploads/${jobId}/${file}${search}`,
      `/files/${jobId}/%00${search}`,
    ];
    for (const path of attacks) {
      const reply = await fetch(app.url + path);
      const text = await reply.text();
      expect([path, [403, 404, 405].includes(reply.status)]).toEqual([path, true]);
      expect(text).not.toContain(search.slice(20));
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(search.length - 1), fc.constantFrom('0', 'A', '_', '.'), async (at, character) => {
        const changed = search.slice(0, at) + character + search.slice(at + 1);
        if (changed === search) return;
        const reply = await fetch(app.url + pathname + changed);
        await reply.arrayBuffer();
        expect([changed, reply.status]).toEqual([changed, 403]);
      }),
      { numRuns: 60 },
    );
    // What is for reading writes nothing, and what is for writing reads nothing.
    const upload = await createUpload(ada, 1);
    const written = new URL(upload.url);
    expect((await fetch(app.url + pathname + search, { method: 'PUT' })).status).toBe(405);
    expect((await fetch(upload.url)).status).toBe(405);
    expect((await fetch(`${app.url}${pathname}${written.search}`)).status).toBe(403);
  });

  const uploaded = async (body: string): Promise<string> => {
    const { id, url } = await createUpload(ada, Buffer.byteLength(body));
    expect((await put(url, body)).status).toBe(204);
    return id;
  };

  it('takes an upload once, and of the promised size alone', async () => {
    const { url, id } = await createUpload(ada, 5);
    const chunked = (text: string) =>
      fetch(url, { method: 'PUT', body: new Blob([text]).stream(), duplex: 'half' } as RequestInit);
    expect((await chunked('123456')).status).toBe(413);
    expect((await chunked('1234')).status).toBe(400);
    expect((await put(url, '123456')).status).toBe(413);
    expect((await put(url, '1')).status).toBe(400);
    expect((await put(url, '12345', { 'Content-Encoding': 'gzip' })).status).toBe(415);
    expect((await ada.rest('/api/reports', { method: 'POST', body: { document: { id } } })).status).toBe(400);
    const both = await Promise.all([chunked('12345'), chunked('54321')]);
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([204, 412]));
    expect((await put(url, '12345', { 'Content-Type': 'application/json' })).status).toBe(412);
    expect(readdirSync(join(store.settings.DATA_DIR, 'files/.unfinished'))).toEqual([]);
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const { url, id } = await createUpload(ada, 5_000_000);
    const { pathname, search, host } = new URL(url);
    const socket = await openSocket(app.url);
    socket.write(
      `PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n`,
    );
    const [reply] = await once(socket, 'data');
    expect(String(reply)).toMatch(/^HTTP\/1.1 100 /);
    socket.write(Buffer.alloc(1_000_000));
    const unfinished = join(store.settings.DATA_DIR, 'files/.unfinished');
    await expect.poll(() => readdirSync(unfinished).length, { timeout: 20_000 }).toBe(1);
    socket.destroy();
    await expect.poll(() => readdirSync(unfinished).length, { timeout: 20_000 }).toBe(0);
    expect((await ada.rest('/api/reports', { method: 'POST', body: { document: { id } } })).status).toBe(400);
    expect((await put(url, Buffer.alloc(5_000_000))).status).toBe(204);
  });

  it('closes the file of a reader that is gone', async () => {
    const { report } = await run(ada, { document: { id: await uploaded('x') }, size: 20_000_000 });
    const { pathname, search, host } = new URL(report.url);
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openSocket(app.url)));
    for (const socket of sockets) {
      socket.pause();
      socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    }
    await expect.poll(openFiles, { timeout: 20_000 }).toBeGreaterThan(before + 40);
    for (const socket of sockets) socket.destroy();
    await expect.poll(openFiles, { timeout: 20_000 }).toBeLessThan(before + 20);
  });

  it.runIf(existsSync('/proc'))('lets nobody but its owner into the folder', async () => {
    const { statSync } = await import('node:fs');
    const root = join(store.settings.DATA_DIR, 'files');
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true }))
      expect(statSync(join(entry.parentPath, entry.name)).mode & 0o077).toBe(0);
  });
});
