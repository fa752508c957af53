/** The proxies of `deploy/`, with their own files, but for ports and paths of this machine. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { poll } from './follow.ts';
import { installServers } from './install-servers.ts';
import { type RunningServer, runServer } from './server-process.ts';
import { freePort } from './servers.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const NAMES = { nginx: 'nginx/accepted.conf', haproxy: 'haproxy/haproxy.cfg' } as const;

export type ProxyName = keyof typeof NAMES;

export function readProxyFile(name: ProxyName): string {
  return readFileSync(join(DEPLOY, NAMES[name]), 'utf8');
}

/** Replaces what occurs exactly once. */
function substitute(text: string, from: string, to: string): string {
  const [before, after, ...more] = text.split(from);
  if (before === undefined || after === undefined || more.length > 0) expect.fail(`not once in the file: ${from}`);
  return before + to + after;
}

/** Starts a proxy in front of a server, and resolves to its URL when it replies; it ends with the test. */
export async function startProxy(name: ProxyName, target: string): Promise<{ url: string; folder: string }> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), `accepted-${name}-`));
  const { nginx, haproxy } = installServers();
  const toTarget = substitute(readProxyFile(name), '127.0.0.1:4000', new URL(target).host);
  const file = join(folder, 'accepted.conf');
  let command: readonly [string, ...string[]];
  if (name === 'nginx') {
    const log = substitute(toTarget, '/var/log/nginx/accepted.log', join(folder, 'access.log'));
    writeFileSync(file, substitute(log, 'listen 80;', `listen 127.0.0.1:${port};`));
    const main = join(folder, 'nginx.conf');
    // Its workers would be another user, for whom the folder is closed.
    const user = process.getuid?.() === 0 ? 'user root;' : '';
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (one) => `${one}_temp_path ${folder}/${one};`,
    );
    writeFileSync(main, `${user} pid ${folder}/pid; events {} http { ${paths.join(' ')} include ${file}; }`);
    command = [nginx, '-p', folder, '-c', main, '-e', join(folder, 'error.log'), '-g', 'daemon off;'];
  } else {
    const log = substitute(toTarget, 'log stdout format raw local0', '');
    writeFileSync(file, substitute(log, 'bind :80', `bind 127.0.0.1:${port}`));
    command = [haproxy, '-db', '-f', file];
  }
  const url = `http://127.0.0.1:${port}`;
  const server: RunningServer = await runServer({
    url,
    folder,
    ending: 'SIGTERM',
    async begin() {
      const [program, ...args] = command;
      const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      await poll(
        () => fetch(`${url}/health/ready`).catch(() => Response.error()),
        ({ ok }) => ok || child.exitCode !== null,
      );
      expect(child.exitCode).toBeNull();
      return child;
    },
  });
  onTestFinished(() => server.stop());
  return { url, folder };
}
