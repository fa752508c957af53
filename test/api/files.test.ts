import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ShapeOf, createClient } from '../../src/client/client.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import type report from '../support/jobs/files/report.ts';
import { type S3Server, startS3 } from '../support/s3.ts';
import { BACKENDS, type Backend } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/files');

const fileSchema = z.object({
  id: z.string(),
  name: z.string(),
  contentType: z.string(),
  size: z.int(),
  sha256: z.string().nullable(),
  url: z.url(),
  expiresAt: z.iso.datetime(),
});
const resultSchema = z.object({
  report: fileSchema,
  pages: z.array(z.object({ kind: z.string(), image: fileSchema.optional() })),
  source: fileSchema.nullable(),
  read: z.object({ bytes: z.int(), sha256: z.string() }).nullable(),
});
const uploadSchema = z.object({
  id: z.string(),
  method: z.literal('PUT'),
  url: z.url(),
  headers: z.record(z.string(), z.string()),
  expiresAt: z.iso.datetime(),
});
const jobSchema = z.object({ id: z.string(), status: z.string(), error: z.object({ code: z.string() }).nullable() });

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Each store of jobs, and each store of files. */
const COMBINATIONS: readonly (readonly [Backend, 'folder' | 's3'])[] = [
  ...BACKENDS.map((backend) => [backend, 'folder'] as const),
  ['redis', 's3'],
  ['embedded', 's3'],
];

let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

describe.each(COMBINATIONS)('files, with jobs on %s and files in a %s', (backend, place) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(backend, { JOBS_DIR, UPLOAD_MAX_BYTES: '200000', ...(place === 's3' && s3.settings()) });
  });
  afterAll(() => app.close());

  const createUpload = async (body: string | Uint8Array, info: object = {}) => {
    const { length } = Buffer.from(body);
    const reply = await app.post('/api/uploads', { name: 'a.txt', contentType: 'text/plain', size: length, ...info });
    expect(reply.status).toBe(201);
    return uploadSchema.parse(await reply.json());
  };
  const put = (upload: z.output<typeof uploadSchema>, body: string | Uint8Array<ArrayBuffer>) =>
    fetch(upload.url, { method: 'PUT', headers: upload.headers, body });
  const upload = async (body: string | Uint8Array<ArrayBuffer>, info: object = {}) => {
    const created = await createUpload(body, info);
    expect((await put(created, body)).ok).toBe(true);
    return { id: created.id };
  };
  const run = async (input: object, headers: Record<string, string> = {}) => {
    const reply = await app.fetch('/api/reports', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(input),
    });
    expect([reply.status, await reply.clone().text()]).toEqual([202, expect.anything()]);
    const { id } = jobSchema.parse(await reply.json());
    return poll(
      async () => jobSchema.parse(await (await app.fetch(`/api/jobs/${id}?onComplete=status&onPending=ok`)).json()),
      ({ status }) => !['Pending', 'Running'].includes(status),
    );
  };
  const resultOf = async (id: string) => resultSchema.parse(await (await app.fetch(`/api/jobs/${id}/result`)).json());

  it('gives a function what was uploaded, and callers what it made', async () => {
    const text = 'a document, ü';
    const job = await run({ document: await upload(text, { name: 'Ünï – code.txt' }), size: 100_000 });
    expect(job.status).toBe('Succeeded');
    const { report, pages, source, read } = await resultOf(job.id);
    expect(read).toEqual({ bytes: Buffer.byteLength(text), sha256: sha256(text) });
    expect(report).toMatchObject({ name: 'report.pdf', contentType: 'application/pdf', size: 100_000 });
    const reply = await fetch(report.url);
    const bytes = Buffer.from(await reply.arrayBuffer());
    expect([bytes.length, sha256(bytes)]).toEqual([100_000, report.sha256]);
    expect(reply.headers.get('content-type')).toBe('application/pdf');
    expect(reply.headers.get('content-disposition')).toMatch(/^attachment; filename="report.pdf"/);
    expect(await (await fetch(pages[0]?.image?.url ?? '')).text()).toBe('not really');
    expect(source).toMatchObject({ name: 'Ünï – code.txt', size: Buffer.byteLength(text) });
    expect(await (await fetch(source?.url ?? '')).text()).toBe(text);
    const image = await fetch(pages[0]?.image?.url ?? '');
    await image.arrayBuffer();
    expect(image.headers.get('content-disposition')).toBe(
      `inline; filename="page 1 _ _.png"; filename*=UTF-8''page%201%20%E2%80%93%20%C3%BC.png`,
    );
    // The same URL all through its window, so that a poll that finds nothing new is answered with 304.
    const first = await app.fetch(`/api/jobs/${job.id}/result`);
    const again = await app.fetch(`/api/jobs/${job.id}/result`, {
      headers: { 'If-None-Match': first.headers.get('etag') ?? '' },
    });
    expect([304, 200]).toContain(again.status);
  });

  it('does the same on GraphQL, and in what the console reads', async () => {
    const { createUpload: created } = z
      .object({
        createUpload: z.object({
          id: z.string(),
          url: z.url(),
          headers: z.array(z.object({ name: z.string(), value: z.string() })),
        }),
      })
      .parse(
        await app.graphql.request(
          `mutation { createUpload(input: { name: "b.csv", contentType: "text/csv", size: 3 }) { id url expiresAt headers { name value } } }`,
        ),
      );
    const sent = await fetch(created.url, {
      method: 'PUT',
      headers: Object.fromEntries(created.headers.map(({ name, value }) => [name, value])),
      body: 'a;b',
    });
    expect(sent.ok).toBe(true);
    const { submitReport } = z
      .object({ submitReport: z.object({ jobId: z.string() }) })
      .parse(
        await app.graphql.request(
          `mutation ($id: ID!) { submitReport(input: { document: { id: $id }, attachments: [{ id: $id }] }) { jobId } }`,
          { id: created.id },
        ),
      );
    const query = `query ($id: ID!) { jobStatus(id: $id) { status ... on ReportJob {
      input { document { name url } }
      result { report { name contentType size sha256 url expiresAt } pages { ... on ReportResultPagePage { image { url } } } } } } }`;
    const { jobStatus } = await poll(
      async () =>
        z
          .object({
            jobStatus: z.object({
              status: z.string(),
              input: z.object({ document: z.object({ name: z.string(), url: z.url() }) }),
              result: z
                .object({
                  report: z.object({ url: z.url(), sha256: z.string() }),
                  pages: z.array(z.object({ image: z.object({ url: z.url() }).optional() })),
                })
                .nullable(),
            }),
          })
          .parse(await app.graphql.request(query, { id: submitReport.jobId })),
      ({ jobStatus: { status } }) => status === 'SUCCEEDED',
    );
    expect(await (await fetch(jobStatus.input.document.url)).text()).toBe('a;b');
    expect(sha256(Buffer.from(await (await fetch(jobStatus.result?.report.url ?? '')).arrayBuffer()))).toBe(
      jobStatus.result?.report.sha256,
    );
    const data = z
      .object({ input: z.object({ document: z.object({ url: z.url() }) }), result: resultSchema })
      .parse(await (await app.fetch(`/console/api/jobs/${submitReport.jobId}`)).json());
    expect(data.input.document.url).toBe(jobStatus.input.document.url);
  });

  it('takes an upload for one job, once, and replays its submission', async () => {
    const document = await upload('once');
    const key = { 'Idempotency-Key': `"key-${document.id}"` };
    const job = await run({ document }, key);
    const again = await run({ document }, key);
    expect(again.id).toBe(job.id);
    const other = await app.post('/api/reports', { document });
    expect([other.status, await other.json()]).toMatchObject([400, { errors: [{ pointer: '#/document/id' }] }]);
  });

  it('runs again without the files of the attempt that failed', async () => {
    const job = await run({ fails: 'once' });
    expect(job.status).toBe('Succeeded');
    expect((await fetch((await resultOf(job.id)).report.url)).ok).toBe(true);
  });

  it.each([
    ['always', 'NO_REPORT'],
    ['foreign', 'INVALID_RESULT'],
    ['bad-name', 'JOB_FAILED'],
  ])('fails with what is wrong: %s', async (fails, code) => {
    expect(await run({ fails })).toMatchObject({ status: 'Failed', error: { code } });
  });

  it.each<[string, object]>([
    ['an unknown id', { document: { id: `${'0'.repeat(8)}-${'0'.repeat(32)}-5` } }],
    ['what is no id', { document: { id: '../../etc/passwd' } }],
    ['another shape', { document: { id: 5 } }],
    ['a text', { document: 'x' }],
    [
      'what a file is stored as',
      { document: { id: `${'0'.repeat(8)}-${'0'.repeat(32)}`, name: 'x', contentType: 'a/b', size: 1, sha256: null } },
    ],
  ])('refuses %s in the place of an upload', async (_, input) => {
    const reply = await app.post('/api/reports', input);
    expect([reply.status, await reply.json()]).toMatchObject([
      400,
      { errors: [{ pointer: expect.stringMatching(/^#\/document/) }] },
    ]);
  });

  it('checks an upload by the schema when its job is submitted', async () => {
    const reply = await app.post('/api/reports', { document: await upload('<p>', { contentType: 'text/html' }) });
    expect([reply.status, await reply.json()]).toMatchObject([400, { errors: [{ detail: 'expected no HTML' }] }]);
  });

  it('takes no job with an upload that has not arrived, or not whole', async () => {
    const created = await createUpload('12345');
    const early = await app.post('/api/reports', { document: { id: created.id } });
    expect(early.status).toBe(400);
    expect((await put(created, '123')).ok).toBe(false);
    expect((await put(created, '123456789')).ok).toBe(false);
    expect((await app.post('/api/reports', { document: { id: created.id } })).status).toBe(400);
    expect((await put(created, '12345')).ok).toBe(true);
    expect((await run({ document: { id: created.id } })).status).toBe('Succeeded');
  });

  it.each<[string, object, string]>([
    ['a path', { name: '../a' }, 'name'],
    ['a control character', { name: 'a\u0007' }, 'name'],
    ['no media type', { contentType: 'text' }, 'contentType'],
    ['a header in a media type', { contentType: 'text/plain\r\nX: y' }, 'contentType'],
    ['a size beyond the limit', { size: 200_001 }, 'size'],
    ['no whole number', { size: 1.5 }, 'size'],
    ['an unknown field', { x: 1 }, 'x'],
  ])('refuses an upload with %s', async (_, info, field) => {
    const reply = await app.post('/api/uploads', { name: 'a', contentType: 'text/plain', size: 1, ...info });
    expect([reply.status, await reply.json()]).toMatchObject([400, { errors: [{ pointer: `#/${field}` }] }]);
  });

  it('takes files in a batch, and reads them with its results', async () => {
    const one = await upload('one');
    const body = { items: [{ document: one }, { document: { id: 'x' } }, {}] };
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': `"batch-${one.id}"` };
    const post = () => app.fetch('/api/reports/batch', { method: 'POST', headers, body: JSON.stringify(body) });
    const batch = z
      .object({ id: z.string(), items: z.array(z.object({ job: z.object({ id: z.string() }).optional() })) })
      .parse(await (await post()).json());
    expect(batch.items.map(({ job }) => job !== undefined)).toEqual([true, false, true]);
    const lines = await poll(
      async () => (await (await app.fetch(`/api/batches/${batch.id}/results`)).text()).trim().split('\n'),
      (all) => all.every((line) => line.includes('Succeeded')),
    );
    const [first] = lines.map((line) => z.object({ result: resultSchema }).parse(JSON.parse(line)));
    expect(await (await fetch(first?.result.source?.url ?? '')).text()).toBe('one');
    const replayed = await post();
    expect([replayed.status, replayed.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
  });

  it('uploads and reads by the client', async () => {
    const client = createClient<{ report: ShapeOf<typeof report> }>({
      baseUrl: app.url,
      collections: { report: 'reports' },
    });
    const document = await client.upload(new File(['by the client'], 'c.txt', { type: 'text/plain' }));
    const { source, pages } = await client.submitAndWait('report', { document });
    expect(source?.name).toBe('c.txt');
    expect(await (await fetch(source?.url ?? '')).text()).toBe('by the client');
    const [page] = pages;
    expect(page?.kind === 'page' && page.image.contentType).toBe('image/png');
    await expect(client.upload(new Blob(['x']), { name: '/' })).rejects.toMatchObject({ problem: 'invalid-input' });
  });

  it('gives no file for a URL that was changed', async () => {
    const { report } = await resultOf((await run({})).id);
    const other = await resultOf((await run({})).id);
    const changed = [
      report.url.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      report.url.replace(report.id.slice(9), other.report.id.slice(9)),
      report.url.replace(/[?].*$/, ''),
      `${other.report.url.replace(/[?].*$/, '')}${report.url.replace(/^[^?]*/, '')}`,
    ];
    for (const url of changed) {
      const reply = await fetch(url);
      expect([403, 404, 200]).toContain(reply.status);
      // s3rver gives anyone what they ask for without a signature; a bucket is closed unless it was opened.
      if (place === 'folder' || /X-Amz-Signature/.test(url)) expect(reply.status).not.toBe(200);
      await reply.arrayBuffer();
    }
  });
});
