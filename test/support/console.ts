import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { TestApp } from './app.ts';
import { openPageForTest } from './browser.ts';

/** A phone's width, the narrowest that pages are made for. */
export const PHONE = { width: 360, height: 740 };

export interface ConsoleOptions {
  /** @default '/console' */
  readonly path?: string;
  /** An API key to sign in with. */
  readonly key?: string;
  readonly theme?: 'light' | 'dark';
  readonly size?: { readonly width: number; readonly height: number };
}

/** Opens the console in a fresh profile. A violation of its Content Security Policy, and an error of its program, fail the test. */
export async function openConsole(
  browser: Browser,
  { url }: Pick<TestApp, 'url'>,
  { path = '/console', key, theme = 'light', size = { width: 1280, height: 800 } }: ConsoleOptions = {},
): Promise<Page> {
  const page = await openPageForTest(browser);
  page.setDefaultTimeout(30_000);
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: theme });
  await page.goto(url + path);
  if (key !== undefined) await signIn(page, key);
  return page;
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('API key or token').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const violationsSchema = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }));

let axe: Promise<string> | undefined;

/** Expects nothing that axe finds wrong with the page as it is now, best practices included. */
export async function expectAccessible(page: Page): Promise<void> {
  axe ??= readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
  // Colours fade in, and axe would read those on the way.
  await page.evaluate(
    'Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished))',
  );
  await page.evaluate(await axe);
  const violations = violationsSchema.parse(
    await page.evaluate('axe.run(document).then(({ violations }) => violations)'),
  );
  expect(violations.map(({ id, nodes }) => ({ id, where: nodes.map(({ html }) => html) }))).toEqual([]);
}

/** Expects that the page is no wider than its window. */
export async function expectNoSideways(page: Page): Promise<void> {
  const [wide, window] = z
    .tuple([z.number(), z.number()])
    .parse(await page.evaluate('[document.documentElement.scrollWidth, innerWidth]'));
  expect(wide).toBeLessThanOrEqual(window);
}
