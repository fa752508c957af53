import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';
import { sendRaw } from '../support/raw-http.ts';

const FOREIGN = ['Origin: https://evil.example.com', 'Sec-Fetch-Site: cross-site'];

describe('a page of another origin', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { CORS_ORIGINS: 'https://app.example.com' });
  });
  afterAll(() => app.close());

  /** A request without content, for which a browser asks no permission. */
  const send = (method: string, path: string, ...head: string[]): Promise<string> =>
    sendRaw(app.url, [
      `${method} ${path} HTTP/1.1`,
      'Host: localhost',
      ...head,
      'Content-Length: 0',
      'Connection: close',
    ]);
  const isPaused = async (): Promise<boolean> =>
    (await send('GET', '/api/job-types')).includes('"name":"book","description":"Stores a book.","paused":true');

  it.each([
    ['another site', FOREIGN],
    ['the same site', ['Origin: https://evil.example.com', 'Sec-Fetch-Site: same-site']],
    ['no origin', ['Origin: null', 'Sec-Fetch-Site: cross-site']],
  ])('of %s changes nothing', async (_name, head) => {
    const refused = await send('POST', '/api/job-types/book/pause', ...head);
    expect(refused).toMatch(/^HTTP\/1\.1 403 .*\/problems\/forbidden.*CORS_ORIGINS/s);
    expect(await send('POST', '/graphql', ...head)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await send('DELETE', '/api/jobs/none', ...head)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await isPaused()).toBe(false);
  });

  it('may load what is read only', async () => {
    expect(await send('GET', '/health/ready', ...FOREIGN)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await send('GET', '/api/jobs', ...FOREIGN)).toMatch(/^HTTP\/1\.1 200 (?!.*access-control-allow-origin: )/is);
  });

  it.each([
    ['the server itself', ['Origin: http://localhost', 'Sec-Fetch-Site: same-origin']],
    ['an origin of CORS_ORIGINS', ['Origin: https://app.example.com', 'Sec-Fetch-Site: cross-site']],
    ['no browser', []],
  ])('is told apart from %s', async (_name, head) => {
    expect(await send('POST', '/api/job-types/book/pause', ...head)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await isPaused()).toBe(true);
    expect(await send('POST', '/api/job-types/book/resume', ...head)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await isPaused()).toBe(false);
  });
});
