import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { expectAccessible, openConsole } from '../support/console.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/invoice');

describe('the form of a job type in the console', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis', { JOBS_DIR }), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  it('has fields for objects, lists, choices, unions, numbers, times, JSON and options, and submits what they have', async () => {
    const page = await openConsole(browser, app, { path: '/console/submit/invoice' });
    await page.getByLabel('currency').selectOption('us-dollar');
    await page.getByLabel('copies').selectOption('2');
    await page.getByLabel('Kind of recipient').selectOption('isCompany: false');
    await page.getByLabel('name', { exact: true }).fill('Ada');
    await page.getByRole('button', { name: 'Add to lines' }).click();
    await page.getByLabel('title').fill('A book');
    await page.getByLabel('quantity').fill('2');
    await page.getByLabel('cents').fill('1250');
    await page.getByLabel('due').fill('2026-12-01T10:00:00');
    await page.getByLabel('Kind of payment').selectOption('card');
    await page.getByLabel('digits').fill('4242');
    await page.getByLabel('extra').fill('{"a": [1, null]}');
    await page.getByRole('button', { name: 'Add category' }).click();
    await page.getByRole('group', { name: 'category' }).getByLabel('name').fill('books');
    await page.getByRole('button', { name: 'Add Options' }).click();
    await page.getByLabel('priority').fill('12');
    await page.getByRole('button', { name: 'Add tags' }).click();
    await page.getByRole('button', { name: 'Add to tags' }).click();
    await page.getByRole('textbox', { name: 'tags 1' }).fill('spring');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('alert').getByText('Invalid priority').waitFor();
    expect(await page.getByLabel('priority').getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('priority').fill('9');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();

    await page.getByText('spring').waitFor();
    const result = page.getByRole('region', { name: 'Result', exact: true });
    await result.getByText('"us-dollar"').waitFor();
    const shown = (await result.textContent()) ?? '';
    expect(shown).toContain('"cents": "2500"');
    expect(shown).toContain('"copies": 2');
    expect(shown).toContain('"digits": "4242"');
    expect(shown).toContain('"name": "books"');
    expect(shown.replaceAll(/\s/g, '')).toContain('"echo":{"a":[1,null]}');

    await page.getByRole('link', { name: 'Submit again with changes' }).click();
    expect(await page.getByLabel('digits').inputValue()).toBe('4242');
    expect(await page.getByLabel('copies').inputValue()).toBe('1');
    await page.getByLabel('quantity').fill('3');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await result.getByText('"3750"').waitFor();
  });

  it('shows what the server refuses at the fields', async () => {
    const page = await openConsole(browser, app, { path: '/console/submit/invoice' });
    await page.getByRole('button', { name: 'Add to lines' }).click();
    await page.getByLabel('title').fill('A book');
    await page.getByLabel('quantity').fill('many');
    await page.getByLabel('cents').fill('-1');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('alert').getByText('This was not accepted.').waitFor();
    const quantity = page.getByLabel('quantity');
    expect(await quantity.getAttribute('aria-invalid')).toBe('true');
    const described = await quantity.getAttribute('aria-describedby');
    expect(await page.locator(`[id="${described}"]`).textContent()).toContain('expected number');
    expect(await page.getByLabel('due').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByLabel('title').getAttribute('aria-invalid')).toBe('false');
    await expectAccessible(page);
    await page.getByRole('alert').getByRole('button', { name: 'lines.0.cents' }).click();
    expect(await page.evaluate('document.activeElement.id')).toBe('field/lines/0/cents');
  });

  it('is JSON on demand, and a form again', async () => {
    const page = await openConsole(browser, app, { path: '/console/submit/invoice' });
    await page.getByRole('button', { name: 'JSON' }).click();
    const json = page.getByLabel('Input as JSON');
    await json.fill('{"recipient": ');
    await page.getByText('This is not JSON yet.').waitFor();
    expect(await page.getByRole('button', { name: 'Submit', exact: true }).isDisabled()).toBe(true);
    await json.fill('{"recipient": {"isCompany": true, "vat": "GB1"}, "lines": [], "due": "2026-12-01T10:00:00Z"}');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Form' }).click();
    expect(await page.getByLabel('vat').inputValue()).toBe('GB1');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('alert').getByRole('button', { name: 'lines' }).waitFor();
  });
});
