import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';

/** Longer than a lock lasts, and than the next check for lost workers takes. */
const BLOCKED_MS = 16_000;

/** Appends its id to a file, and blocks its thread, or waits beside a job that does. */
export default defineJob({
  name: 'blocking',
  collection: 'blockings',
  description: 'Blocks its thread, or waits beside a job that does.',
  input: z.object({ file: z.string(), blocks: z.boolean() }),
  result: z.object({ pid: z.number() }),
  async run({ file, blocks }, job) {
    appendFileSync(file, `${job.id}\n`);
    await delay(1000);
    if (blocks) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);
    else await delay(BLOCKED_MS, undefined, { signal: job.signal });
    return { pid: process.pid };
  },
});
