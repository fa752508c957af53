import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { serve } from '../support/http-server.ts';
import { sendRaw } from '../support/raw-http.ts';

const CLOSED = "default-src 'none';frame-ancestors 'none'";
const HTML = { Accept: 'text/html' };

describe('every reply', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { CORS_ORIGINS: 'https://app.example.com' });
  });
  afterAll(() => app.close());

  it.each<[string, number, RequestInit?]>([
    ['/api/jobs', 200],
    ['/api/jobs/none', 404],
    ['/api/jobs', 405, { method: 'PUT' }],
    ['/api/jobs', 204, { method: 'OPTIONS' }],
    ['/api/books', 415, { method: 'POST', body: 'text' }],
    ['/graphql?query={__typename}', 200],
    ['/graphql', 405, { method: 'PUT' }],
    ['/graphql', 415, { method: 'POST', body: 'text' }],
    ['/health/live', 200],
    ['/health/live', 204, { method: 'OPTIONS' }],
    ['/health/live', 405, { method: 'POST' }],
    ['/health/ready', 405, { method: 'DELETE' }],
    ['/openapi.json', 200],
    ['/', 302],
    ['/nothing', 404],
    ['/api/jobs/%zz', 400],
    ['/docs/assets/page.css', 200],
  ])('has the security headers: %s, %d', async (path, status, init) => {
    const { status: got, headers } = await fetch(`${app.url}${path}`, { redirect: 'manual', ...init });
    expect(got).toBe(status);
    expect(headers.get('content-security-policy')).toBe(CLOSED);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    // HSTS has no effect over http, and over https it would be wrong for a server that offers both.
    expect(headers.has('strict-transport-security')).toBe(false);
    expect(headers.has('x-powered-by') || headers.has('server')).toBe(false);
  });

  it.each([
    ['/graphql', /^default-src 'none'; .*frame-ancestors 'none'; script-src 'sha256-[\w+/=]{44}'$/],
    ['/docs', /^default-src 'none'; .*frame-ancestors 'none'; script-src 'self'; /],
    ['/problems', /^default-src 'none'; .*frame-ancestors 'none'; style-src 'self'; img-src 'self'$/],
  ])('with a page allows only its own scripts and styles: %s', async (path, policy) => {
    const response = await app.fetch(path, { headers: HTML });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(policy);
    expect(response.headers.get('content-security-policy')).not.toMatch(
      /unsafe-eval|script-src[^;]*unsafe-inline|https?:/,
    );
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(response.headers.get('origin-agent-cluster')).toBe('?1');
  });

  it('has a single Content-Security-Policy', async () => {
    for (const path of ['/graphql', '/docs', '/problems/not-found']) {
      const reply = await sendRaw(app.url, [
        `GET ${path} HTTP/1.1`,
        'Host: localhost',
        'Accept: text/html',
        'Connection: close',
      ]);
      expect(reply.slice(0, 3000).match(/^content-security-policy:/gim)).toHaveLength(1);
    }
  });

  it.each([['PROPFIND'], ['MKCOL'], ['LOCK']])('to %s is 501, because no route has this method', async (method) => {
    for (const path of ['/api/jobs', '/graphql', '/health/live']) {
      const reply = await sendRaw(app.url, [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close']);
      expect(reply).toMatch(/^HTTP\/1\.1 501 .*\/problems\/not-implemented"/s);
    }
  });

  it.each([['TRACE'], ['QUERY']])('to %s is 405, and does not echo the request', async (method) => {
    for (const path of ['/api/jobs', '/graphql', '/health/live']) {
      const reply = await sendRaw(app.url, [
        `${method} ${path} HTTP/1.1`,
        'Host: localhost',
        'Content-Type: application/json',
        'Cookie: secret',
        'Connection: close',
      ]);
      expect(reply).toMatch(/^HTTP\/1\.1 405 .*allow: /is);
      expect(reply).not.toContain('secret');
    }
  });

  it('to CONNECT is 501 rather than a tunnel', async () => {
    const reply = await sendRaw(app.url, ['CONNECT example.com:443 HTTP/1.1', 'Host: example.com:443']);
    expect(reply).toMatch(/^HTTP\/1\.1 501 .*\/problems\/not-implemented"/s);
  });

  it.each([['/health/live'], ['/health/ready']])('to HEAD and OPTIONS of %s describes the route', async (path) => {
    const head = await app.fetch(path, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const options = await app.fetch(path, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
  });
});

describe('a server behind https', () => {
  it('sends Strict-Transport-Security', async () => {
    const fixed = await startAppForTest('redis', { PUBLIC_URL: 'https://api.example.com' });
    const proxied = await startAppForTest('redis', { TRUST_PROXY: 'on' });
    const forwarded = { 'X-Forwarded-Host': 'api.example.com', 'X-Forwarded-Proto': 'https' };
    for (const path of ['/api/jobs', '/graphql?query={__typename}', '/health/live', '/nothing']) {
      for (const response of [
        await fetch(`${fixed.url}${path}`),
        await fetch(`${proxied.url}${path}`, { headers: forwarded }),
      ])
        expect(response.headers.get('strict-transport-security')).toBe('max-age=31536000');
      expect((await fetch(`${proxied.url}${path}`)).headers.has('strict-transport-security')).toBe(false);
    }
  });
});

describe('a page of another origin', () => {
  it('can read replies if CORS_ORIGINS names it, but cannot embed them', async () => {
    const origin = await serve((_request, response) => response.setHeader('Content-Type', 'text/html').end('<p>Hello'));
    const app = await startAppForTest('redis', { CORS_ORIGINS: origin });
    const browser = await startBrowser();
    try {
      const tab = await browser.newPage();
      await tab.goto(origin);
      const read = (url: string) =>
        tab.evaluate<string>(`fetch('${url}').then((reply) => reply.text(), (error) => error.name)`);
      expect(await read(`${app.url}/api/jobs`)).toContain('"items"');
      expect(await read(`${app.url}/graphql?query={__typename}`)).toContain('"data"');
      const embed = (tag: string, url: string) =>
        tab.evaluate<string>(
          `new Promise((resolve) => { const part = document.createElement('${tag}'); part.onload = () => resolve('loaded'); part.onerror = () => resolve('refused'); part.src = '${url}'; document.body.append(part); })`,
        );
      expect(await embed('img', `${app.url}/docs/assets/favicon.png`)).toBe('refused');
      expect(await embed('script', `${app.url}/docs/assets/swagger-start.js`)).toBe('refused');
    } finally {
      await browser.close();
    }
  });
});
