import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LIBRARY } from '../support/projects.ts';
import { lineWith } from '../support/servers.ts';
import { createStore } from '../support/stores.ts';

const COMMAND = `exec '${process.execPath}' '${join(import.meta.dirname, '../../src/main.ts')}' start`;

describe('the banner', () => {
  it('is shown on a terminal, with URLs that work in a browser, and Ctrl+C ends the process', async () => {
    const { settings, remove } = await createStore('embedded');
    onTestFinished(remove);
    // Of util-linux: runs a command on a pseudo-terminal.
    const terminal = spawn('/usr/bin/script', ['-qec', COMMAND, '/dev/null'], {
      cwd: LIBRARY,
      env: { PATH: process.env['PATH'], TERM: 'dumb', PORT: '0', ...settings },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => void terminal.once('exit', resolve));
    onTestFinished(() => void terminal.kill('SIGKILL'));
    let text = '';
    terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    // The last line of the banner.
    await lineWith(terminal, terminal.stdout, /^ {2}Database /);

    expect(text).toMatch(/^ {2}Accepted is ready \(API and worker, \d+\.\d s\)\r$/m);
    expect(text).toMatch(/^ {2}Callers {5}anyone\r$/m);
    expect(text).toMatch(/^ {2}Job types {3}book, bookImport\r$/m);
    const urls = new Set(text.match(/http:\/\/127\.0\.0\.1:\d+\/[\w./]+/g));
    expect([...urls].map((url) => new URL(url).pathname)).toEqual([
      '/graphql',
      '/openapi.json',
      '/docs',
      '/console',
      '/health/ready',
    ]);
    for (const url of urls) {
      const { status } = await fetch(url, { headers: { Accept: 'text/html, */*;q=0.1' } });
      expect([url, status]).toEqual([url, 200]);
    }
    terminal.stdin.write('\u0003');
    expect(await ended).toBe(0);
  });
});
