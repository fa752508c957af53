import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { openPageForTest, startBrowser } from '../support/browser.ts';
import { API_KEYS, bearer, clientOf, keyOf } from '../support/callers.ts';
import { serve } from '../support/http-server.ts';

const submittedSchema = z.looseObject({ id: z.string(), accessToken: z.string() });

describe('in a browser, a server with authentication', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis', { API_KEYS, CORS_ORIGINS: '*' }), startBrowser()]);
  });
  afterAll(() => Promise.all([app.close(), browser.close()]));

  it('serves GraphiQL, which sends the headers entered in it', async () => {
    const page = await openPageForTest(browser);
    await page.goto(`${app.url}/graphql`);
    const run = async (): Promise<void> => {
      await page.getByRole('button', { name: 'Execute query' }).click();
      await page.getByRole('menuitem', { name: 'SubmitBook', exact: true }).click();
    };
    const result = page.getByRole('region', { name: 'Result Window' });
    await run();
    await result.filter({ hasText: 'UNAUTHENTICATED' }).waitFor();
    await page.getByRole('button', { name: 'Headers', exact: true }).click();
    const headers = page.getByRole('region', { name: 'Headers' });
    await headers.locator('.view-lines').filter({ visible: true }).click();
    await page.keyboard.press('ControlOrMeta+A');
    // The editor adds the closing quotes and the brace.
    await page.keyboard.insertText(`{"Authorization":"Bearer ${keyOf('ada')}`);
    await headers.getByText(keyOf('ada')).waitFor();
    await run();
    await result.filter({ hasText: /book_[\w-]{22}/ }).waitFor();
    expect(await result.textContent()).not.toContain('errors');
  });

  it('serves the API reference, which sends the credential entered under Authorize', async () => {
    const page = await openPageForTest(browser);
    await page.goto(`${app.url}/docs`, { waitUntil: 'networkidle' });
    await page.getByRole('button', { name: 'Authorize', exact: true }).click();
    await page.getByLabel('auth-bearer-value').fill(keyOf('ada'));
    await page.getByRole('button', { name: 'Apply credentials' }).first().click();
    await page.getByRole('button', { name: 'Close', exact: true }).first().click();
    const operation = page.locator('[id$="-submitBook"]');
    await operation.locator('button').first().click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    const reply = operation.locator('.live-responses-table');
    await reply.waitFor();
    expect(await reply.locator('tbody .response-col_status').first().innerText()).toContain('202');
  });

  it('lets a page of another origin follow one job with its access token, and read its result', async () => {
    const answer = await clientOf(app, bearer(keyOf('ada'))).rest('/api/books', {
      method: 'POST',
      body: { id: 'watched', title: 'Jane Eyre' },
    });
    const job = submittedSchema.parse(answer.body);
    const origin = await serve((_request, response) =>
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Elsewhere</title>'),
    );
    const page = await openPageForTest(browser);
    await page.goto(origin);
    const url = `${app.url}/api/jobs/${job.id}`;
    const seen = await page.evaluate(`new Promise((resolve, reject) => {
      const events = new EventSource('${url}/events?access_token=${job.accessToken}');
      events.onerror = () => reject(new Error('the events could not be read'));
      events.onmessage = async ({ data }) => {
        if (!JSON.parse(data).done) return;
        events.close();
        const headers = { Authorization: 'Bearer ${job.accessToken}' };
        const followed = await fetch('${url}', { headers });
        const refused = await fetch('${url}/result');
        resolve({
          book: await followed.json(),
          status: refused.status,
          challenge: refused.headers.get('WWW-Authenticate'),
        });
      };
    })`);
    expect(seen).toEqual({
      book: expect.objectContaining({ id: 'watched', title: 'Jane Eyre' }),
      status: 401,
      challenge: 'Bearer realm="Accepted"',
    });
  });
});
