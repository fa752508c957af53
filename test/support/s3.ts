import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, runServer } from './server-process.ts';
import { freePort, lineWith } from './servers.ts';

/** What it knows: one key, and that is it. */
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

export interface S3Server extends RunningServer {
  /** With a prefix that no other test has. */
  settings(): Record<string, string>;
}

let prefixes = 0;

/** Starts an S3 server with one bucket. */
export async function startS3(): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-s3-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await runServer({
    url,
    folder,
    ending: 'SIGTERM',
    async begin() {
      const child = spawn(process.execPath, [join(import.meta.dirname, 's3-server.ts'), folder, String(port)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await lineWith(child, child.stdout, /ready/);
      return child;
    },
  });
  return {
    ...server,
    settings: () => ({ ...CREDENTIALS, ARTIFACTS_URL: `s3://bucket/test-${(prefixes += 1)}?endpoint=${url}` }),
  };
}
