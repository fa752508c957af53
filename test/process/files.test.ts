import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { poll } from '../support/follow.ts';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import { type S3Server, startS3 } from '../support/s3.ts';
import { createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/files');
/** Part of every name and text of a file, and of nothing else. */
const MARK = 'zq7x';
const LARGE = 200_000_000;
/** Enough to be killed while it is written. */
const HALVED = 60_000_000;

const uploadSchema = z.object({ id: z.string(), url: z.url(), headers: z.record(z.string(), z.string()) });
const jobSchema = z.object({ id: z.string(), status: z.string(), attempt: z.int(), message: z.string().nullable() });
const resultSchema = z.object({
  report: z.object({ url: z.url(), size: z.int() }),
  read: z.object({ bytes: z.int() }).nullable(),
  peakMegabytes: z.int(),
});

let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

describe.each([
  ['redis', 'folder'],
  ['redis', 's3'],
] as const)('API and worker in processes of their own, on %s, with files in a %s', (backend, place) => {
  const post = async ({ url }: AcceptedProcess, path: string, body: object) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  const upload = async (api: AcceptedProcess, bytes: Buffer<ArrayBuffer>) => {
    const info = { name: `${MARK}.txt`, contentType: 'text/plain', size: bytes.length };
    const { id, url, headers } = uploadSchema.parse(await (await post(api, '/api/uploads', info)).json());
    expect((await fetch(url, { method: 'PUT', headers, body: bytes })).ok).toBe(true);
    return { id };
  };
  const submit = async (api: AcceptedProcess, input: object) =>
    jobSchema.parse(await (await post(api, '/api/reports', { name: `${MARK}.pdf`, ...input })).json());
  const readJob = async ({ url }: AcceptedProcess, id: string) =>
    jobSchema.parse(await (await fetch(`${url}/api/jobs/${id}?onComplete=status&onPending=ok`)).json());
  const finish = async (api: AcceptedProcess, id: string) => {
    const job = await poll(
      () => readJob(api, id),
      ({ status }) => !['Pending', 'Running'].includes(status),
    );
    expect(job.status).toBe('Succeeded');
    return resultSchema.parse(await (await fetch(`${api.url}/api/jobs/${id}/result`)).json());
  };

  it('passes large files through without holding them, and survives a worker that is killed and files that are away', async () => {
    const store = await createStore(backend);
    const settings = {
      PORT: '0',
      LOG_LEVEL: 'debug',
      JOBS_DIR,
      UPLOAD_MAX_BYTES: '500000000',
      ...store.settings,
      ...(place === 's3' && s3.settings()),
    };
    const output = new PassThrough();
    const log = textOf(output);
    const api = await startProcess({ settings, role: 'api', output });
    let worker = await startProcess({ settings, role: 'worker', output });

    // In and out.
    const document = await upload(api, Buffer.alloc(LARGE, MARK));
    const large = await finish(api, (await submit(api, { document, size: LARGE })).id);
    expect([large.report.size, large.read?.bytes]).toEqual([LARGE, LARGE]);
    expect(large.peakMegabytes).toBeLessThan(170);
    let read = 0;
    for await (const chunk of (await fetch(large.report.url)).body ?? []) read += chunk.byteLength;
    expect(read).toBe(LARGE);

    // Killed while it writes: the job runs again, and nobody reads the half of a file.
    const killed = await submit(api, { size: HALVED });
    if (place === 'folder') {
      const unfinished = join(store.settings.DATA_DIR, 'files/.unfinished');
      await expect.poll(() => readdirSync(unfinished).length, { timeout: 60_000 }).toBeGreaterThan(0);
    } else {
      await poll(
        () => readJob(api, killed.id),
        ({ status }) => status === 'Running',
      );
    }
    await worker.end('SIGKILL');
    worker = await startProcess({ settings, role: 'worker', output });
    const again = await finish(api, killed.id);
    expect(again.report.size).toBe(HALVED);
    read = 0;
    for await (const chunk of (await fetch(again.report.url)).body ?? []) read += chunk.byteLength;
    expect(read).toBe(HALVED);

    if (place === 's3') {
      const waiting = await upload(api, Buffer.from(MARK));
      await s3.kill();
      expect((await post(api, '/api/uploads', { name: 'a', contentType: 'a/b', size: 1 })).status).toBe(503);
      expect((await post(api, '/api/reports', { document: waiting })).status).toBe(503);
      const postponed = await submit(api, {});
      const { message } = await poll(
        () => readJob(api, postponed.id),
        (job) => job.message !== null,
      );
      expect(message).toMatch(/waits/);
      await s3.start();
      await finish(api, postponed.id);
      await finish(api, (await submit(api, { document: waiting })).id);
    }

    for (const each of [worker, api]) expect(await each.end('SIGTERM')).toBe(0);
    output.end();
    const lines = await log;
    expect(lines).toContain('"msg":"request"');
    expect(lines).not.toMatch(/zq7x|access_token|X-Amz|Signature|\?/i);
    store.remove();
  });
});
