import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { API_KEYS, bearer, clientOf, keyOf } from '../support/callers.ts';
import { expectAccessible, openConsole, signIn } from '../support/console.ts';
import { forward, serve } from '../support/http-server.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const jobSchema = z.object({ id: z.string() });
const tokenSchema = z.object({ data: z.object({ submitScripted: z.object({ accessToken: z.string() }) }) });

describe('the console of a server that knows its callers', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis', { API_KEYS, JOBS_DIR }), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  const submitAs = async (key: string, text: string): Promise<string> => {
    const response = await app.fetch('/api/scripted-jobs', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...bearer(key) },
      body: JSON.stringify({ text }),
    });
    return jobSchema.parse(await response.json()).id;
  };

  const tokenOf = async (text: string): Promise<string> => {
    const { body } = await clientOf(app, bearer(keyOf('ada'))).graphql(
      'mutation ($text: String!) { submitScripted(input: { text: $text }) { accessToken } }',
      { text },
    );
    return tokenSchema.parse(body).data.submitScripted.accessToken;
  };

  it('asks for a key, says when it is wrong, and keeps it in memory alone', async () => {
    const page = await openConsole(browser, app, { path: '/console/jobs?status=succeeded', theme: 'dark' });
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await expectAccessible(page);
    await signIn(page, 'accepted_wrong');
    await page.getByRole('alert').waitFor();
    await expectAccessible(page);
    await signIn(page, keyOf('ada'));
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    expect(await page.getByText('key:ada', { exact: true }).count()).toBe(1);
    expect(page.url()).toBe(`${app.url}/console/jobs?status=succeeded`);

    await page.getByRole('button', { name: 'Switch to light' }).click();
    const kept = await page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
    );
    expect(kept).toBe('[{"accepted-console-theme":"light"},{},""]');

    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('shows a caller its own jobs', async () => {
    await submitAs(keyOf('eve'), 'of eve');
    const own = await submitAs(keyOf('ada'), 'of ada');
    const page = await openConsole(browser, app, { key: keyOf('ada') });
    await page.getByText(own.slice(9, 17)).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(1);
  });

  it('shows an admin the jobs of all callers, or of one', async () => {
    await submitAs(keyOf('ada'), 'one of ada');
    await submitAs(keyOf('eve'), 'one of eve');
    const page = await openConsole(browser, app, { key: keyOf('admin') });
    await page.getByRole('cell', { name: 'key:ada' }).first().waitFor();
    await page.getByRole('cell', { name: 'key:eve' }).first().waitFor();
    await page.getByLabel('Caller').fill('key:eve');
    await page.getByRole('cell', { name: 'key:ada' }).first().waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?caller=key:eve');
    await page.getByRole('row').nth(1).getByRole('link').click();
    await page.getByRole('region', { name: 'Facts' }).getByRole('link', { name: 'key:eve' }).click();
    await page.getByRole('cell', { name: 'key:eve' }).first().waitFor();
  });

  it('says what a key may not do', async () => {
    const page = await openConsole(browser, app, { key: keyOf('submitter') });
    await page.getByText('The scope read is required.').waitFor();
    await page.getByRole('link', { name: 'Submit', exact: true }).click();
    await page.getByLabel('text').fill('may be submitted');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    expect(await page.getByRole('alert').textContent()).toContain('The scope read is required.');
  });

  it('signs out', async () => {
    const page = await openConsole(browser, app, { key: keyOf('ada') });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByLabel('API key or token').inputValue()).toBe('');
  });

  it('gives nothing but the page without a key', async () => {
    for (const path of ['/console/api/session', '/console/api/jobs/scripted_1', '/console/api/types/scripted/jobs']) {
      const method = path.endsWith('/jobs') ? 'POST' : 'GET';
      expect([path, (await app.fetch(path, { method })).status]).toEqual([path, 401]);
    }
    const session = await app.fetch('/console/api/session', { headers: bearer(await tokenOf('one job')) });
    expect(session.status).toBe(401);
    expect(await session.json()).toMatchObject({ detail: expect.stringContaining('is for one job') });
  });
});

describe('the console', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it('has a strict policy, and files that are checked by their tags', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR });
    for (const path of ['/console', '/console/jobs', '/console/jobs/a', '/console/types', '/console/submit/scripted']) {
      const page = await app.fetch(path);
      expect([path, page.status]).toEqual([path, 200]);
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'; style-src 'self'");
      expect(policy).not.toContain('unsafe');
      const [, script = ''] = /<script type="module" src="([^"]+)">/.exec(await page.text()) ?? [];
      const file = await app.fetch(new URL(script, app.url + path).pathname);
      expect(file.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      const tag = file.headers.get('etag') ?? '';
      const again = await app.fetch('/console/files/console.js', { headers: { 'If-None-Match': tag } });
      expect(again.status).toBe(304);
    }
    expect((await app.fetch('/console/nothing')).status).toBe(404);
  });

  it('is not there with CONSOLE=off', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR, CONSOLE: 'off' });
    for (const path of ['/console', '/console/files/console.js', '/console/api/session'])
      expect((await app.fetch(path)).status).toBe(404);
  });

  it('works with REST=off, GRAPHIQL=off and GRAPHQL_INTROSPECTION=off', async () => {
    const app = await startAppForTest('redis', {
      JOBS_DIR,
      REST: 'off',
      GRAPHIQL: 'off',
      GRAPHQL_INTROSPECTION: 'off',
    });
    const page = await openConsole(browser, app);
    await page.getByText('No jobs yet').waitFor();
    expect(await page.getByRole('link', { name: 'API reference' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Submit scripted' }).click();
    await page.getByLabel('text').fill('without REST');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('region', { name: 'Result' }).getByText('without REST').waitFor();
  });

  it('works behind a path of a proxy', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR });
    const url = await serve((request, response) => {
      request.url = request.url?.replace(/^\/deep\/er/, '');
      return forward(app.url, request, response);
    });
    const page = await openConsole(browser, { url: `${url}/deep/er` }, { path: '/console/submit/scripted' });
    await page.getByLabel('text').fill('deep');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('region', { name: 'Result' }).getByText('deep').waitFor();
    expect(page.url()).toContain('/deep/er/console/jobs/scripted_');
    await page.getByRole('link', { name: 'Jobs', exact: true }).first().click();
    await page.locator('tbody tr').first().waitFor();
  });
});
