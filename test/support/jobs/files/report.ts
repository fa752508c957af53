import { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';
import { fileRef } from '../../../../src/core/files/file-ref.ts';
import { JobError } from '../../../../src/core/job-error.ts';

/** A job type with files on both sides, in lists and unions too. */
export default defineJob({
  name: 'report',
  collection: 'reports',
  description: 'Makes a report of documents.',
  input: z.object({
    document: fileRef()
      .refine(({ contentType }) => contentType !== 'text/html', 'expected no HTML')
      .optional(),
    attachments: z.array(fileRef()).max(5).optional(),
    /** Bytes of the report. */
    size: z.int().min(0).max(200_000_000).default(10),
    contentType: z.string().optional(),
    name: z.string().optional(),
    /** What goes wrong, at which attempts. */
    fails: z.enum(['once', 'always', 'foreign', 'too-large', 'bad-name', 'waits']).optional(),
  }),
  result: z.object({
    report: fileRef().describe('The report.'),
    pages: z.array(
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('page'), image: fileRef() }),
        z.object({ kind: z.literal('none') }),
      ]),
    ),
    source: fileRef().nullable(),
    read: z.object({ bytes: z.int(), sha256: z.string() }).nullable(),
    peakMegabytes: z.int(),
  }),
  backoffSeconds: 0.01,
  timeoutSeconds: 300,
  async run({ document, attachments = [], size, contentType = 'application/pdf', name = 'report.pdf', fails }, job) {
    let peak = process.memoryUsage().rss;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
    try {
      const before = peak;
      const body = fails === 'too-large' ? bytesOf(10_000_000_000) : bytesOf(size);
      const report = await job.file(fails === 'bad-name' ? '../x' : name, Readable.from(body), { contentType });
      const image = await job.file('page 1 – ü.png', 'not really', { contentType: 'image/png' });
      if (fails === 'waits') await new Promise((_resolve, reject) => job.signal.addEventListener('abort', reject));
      if (fails === 'once' && job.attempt === 1) throw new Error('fails once');
      if (fails === 'always') throw new JobError('NO_REPORT', 'There is no report.', { retry: false });
      const read = document && (await hashOf(await job.open(document)));
      for (const attachment of attachments) await hashOf(await job.open(attachment));
      return {
        report: fails === 'foreign' ? { ...report, id: `${report.id.slice(0, 9)}${'0'.repeat(32)}` } : report,
        pages: [{ kind: 'page' as const, image }, { kind: 'none' as const }],
        source: document ?? null,
        read: read ?? null,
        peakMegabytes: Math.ceil((peak - before) / 1_000_000),
      };
    } finally {
      clearInterval(watch);
    }
  },
});

function* bytesOf(size: number): Generator<Uint8Array, void, void> {
  for (let left = size, index = 0; left > 0; left -= 65_536, index += 1)
    yield Buffer.alloc(Math.min(left, 65_536), index % 251);
}

async function hashOf(stream: ReadableStream<Uint8Array>) {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest('hex') };
}
