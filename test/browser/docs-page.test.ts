import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../src/core/errors.ts';
import { html, prose } from '../../src/http/page.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { openPageForTest, startBrowser } from '../support/browser.ts';

describe('the pages', () => {
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis'), startBrowser()]);
  });
  afterAll(() => Promise.all([app.close(), browser.close()]));

  /** Opens a page and waits until it has loaded. A violation of its Content Security Policy fails the test. */
  const open = async (path: string): Promise<Page> => {
    const page = await openPageForTest(browser);
    const refused: string[] = [];
    page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
    const response = await page.goto(new URL(path, app.url).href, { waitUntil: 'networkidle' });
    expect(response?.status()).toBe(200);
    expect(refused).toEqual([]);
    return page;
  };

  it.each(['/docs', '/docs/'])('%s shows the operations, and can call one', async (path) => {
    const page = await open(path);
    expect(await page.title()).toBe('Accepted · API');
    const operation = page.locator('[id$="-submitBook"]');
    await operation.locator('button').first().click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    const body = operation.locator('textarea');
    // The suggested body is an example of a book, rather than of its types only.
    expect(JSON.parse(await body.inputValue())).toMatchObject({
      id: '42',
      title: expect.stringContaining('Jane'),
    });
    await operation.getByRole('button', { name: 'Execute' }).click();

    const reply = operation.locator('.live-responses-table');
    await reply.waitFor();
    expect(await reply.locator('tbody .response-col_status').first().innerText()).toContain('202');
    expect(await reply.innerText()).toContain(`location: ${app.url}/api/jobs/book_`);
  });

  it('list the problems, each with a page that explains it', async () => {
    const page = await open('/problems');
    const names = Object.keys(PROBLEMS);
    expect(await page.locator('tbody tr').count()).toBe(names.length);
    await page.getByRole('link', { name: PROBLEMS['job-failed'].title, exact: true }).click();
    await page.waitForURL(`${app.url}/problems/job-failed`);
    expect(await page.locator('h1').innerText()).toBe('The job failed');
    expect(await page.locator('main').innerText()).toContain('422 Unprocessable Entity');
    // Without the style sheet, the font would be a serif one.
    expect(await page.evaluate('getComputedStyle(document.body).fontFamily')).toContain('system-ui');
  });

  it.each(Object.entries(PROBLEMS))('explain the problem %s', async (name, { title, status, code }) => {
    const response = await app.fetch(`/problems/${name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none';.* style-src 'self'; img-src 'self'$/,
    );
    const text = await response.text();
    expect(text).toContain('<html lang="en">');
    for (const part of [`<h1>${title}</h1>`, String(status), `<code>${code}</code>`, 'What a client should do'])
      expect(text).toContain(part);
  });

  it('reply to an unknown problem name with a 404 problem', async () => {
    const response = await app.fetch('/problems/%3Cscript%3E');
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({ type: `${app.url}/problems/not-found` });
  });

  it('escape inserted text', () => {
    expect(html`<p title="${'"'}">${"<b>&'"}${html`<br />`}</p>`.html).toBe(
      '<p title="&quot;">&lt;b&gt;&amp;&#39;<br /></p>',
    );
    expect(prose('a `<b>` c').html).toBe('a <code>&lt;b&gt;</code> c');
  });
});
