import { type Browser, type Page, chromium } from 'playwright-core';
import { inject, onTestFinished } from 'vitest';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
/** Protocols that reach a server, unlike `data:`, `blob:` or `about:`. */
const NETWORK = /^(https?|wss?|ftp):$/;

/** Starts a headless Chromium that resolves no host but this machine. The caller closes it in `afterAll`. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: inject('chromium'),
    args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'],
  });
}

/**
 * A page with a fresh profile, closed with the test. The test fails if the page requests anything
 * from another machine, if a script fails, or if it violates its Content Security Policy.
 */
export async function openPageForTest(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const faults: string[] = [];
  const check = (url: string): void => {
    const { protocol, hostname } = new URL(url);
    if (NETWORK.test(protocol) && !LOOPBACK.has(hostname)) faults.push(`asked for ${url}`);
  };
  context.on('request', (request) => check(request.url()));
  context.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(`was told ${message.text()}`);
  });
  context.on('weberror', (error) => faults.push(`threw ${String(error.error())}`));
  context.on('page', (page) => page.on('websocket', (socket) => check(socket.url())));
  onTestFinished(async () => {
    await context.close();
    if (faults.length > 0) throw new Error(`The page ${faults.join('; ')}`);
  });
  return context.newPage();
}
