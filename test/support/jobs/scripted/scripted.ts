import { z } from 'zod';
import { type JobContext, defineJob } from '../../../../src/core/define-job.ts';

type Run = (job: JobContext) => Promise<{ text: string }>;

const runs = new Map<string, Run>();

/** Makes the jobs whose input has this text do what a test says; in this process, whichever app's worker takes them up. */
export function script(text: string, run: Run): void {
  runs.set(text, run);
}

/** A job type whose function a test writes. Without one a job succeeds at once, with its text. */
export default defineJob({
  name: 'scripted',
  collection: 'scripted-jobs',
  description: 'Does what the test says.',
  input: z.object({ text: z.string(), size: z.int().default(1) }),
  result: z.object({ text: z.string() }),
  attempts: 3,
  backoffSeconds: 0.01,
  run: async ({ text }, job) => (await runs.get(text)?.(job)) ?? { text },
});
