/** The job type that cancels or retries many jobs: a job itself, so that it is stored, followed, canceled and resumed like any other. */
import { z } from 'zod';
import { type JobContext, defineJob } from '../define-job.ts';
import { type Job, isDone, jobStatusSchema } from '../job.ts';
import type { JobQueue, ListPosition } from '../ports.ts';
import { type Use, providerKey } from '../register.ts';

/** Jobs that one step reads and changes. */
const PAGE = 100;
/** An action on a million jobs takes some minutes. */
const TIMEOUT_SECONDS = 7200;

const time = z.iso.datetime({ offset: true });
const name = z.string().max(140);
const count = z.int().min(0).max(2_147_483_647);

const filterSchema = z
  .object({
    type: name.optional(),
    status: z.array(z.enum(jobStatusSchema.options)).min(1).max(jobStatusSchema.options.length),
    caller: name.optional().describe('Absent for the jobs of all callers.'),
    tag: name.optional(),
    createdAfter: time.optional(),
    createdBefore: time.optional().describe('At the latest, and without it, when the action was submitted.'),
  })
  .meta({ id: 'BulkActionFilter', description: 'Which jobs a bulk action is about.' });

const inputSchema = z.object({
  action: z.enum(['cancel', 'retry']).meta({ id: 'BulkActionKind', description: 'What is done with each job.' }),
  filter: filterSchema,
});
export type BulkActionInput = z.output<typeof inputSchema>;

const resultSchema = z
  .object({
    matched: count.describe('Jobs that the filter matched when the action came to them.'),
    changed: count.describe('Jobs that it canceled, told to stop, or put back into the queue.'),
    skipped: count.describe('Jobs that had changed by themselves before it could.'),
  })
  .meta({ id: 'BulkActionResult', description: 'How many jobs a bulk action was about.' });
type Counts = z.output<typeof resultSchema>;

/** What the function works with, beside its input. */
export interface BulkPorts {
  readonly queue: Pick<JobQueue, 'list' | 'read' | 'readTypeState' | 'cancelAll' | 'retryAll' | 'now'>;
  /** Names of the project's job types. */
  readonly types: readonly string[];
  /** Attempts that a retry grants. */
  attemptsOf(type: string): number;
}

const bulkPorts = providerKey<BulkPorts>('accepted:bulk-action');

/** Adds what the function needs to what the project provides. */
export function withBulkPorts(use: Use, ports: BulkPorts): Use {
  const ofProject: (key: unknown) => unknown = use;
  return (key: unknown) => (key === bulkPorts ? ports : ofProject(key));
}

export const bulkAction = defineJob({
  name: 'bulkAction',
  collection: 'bulk-actions',
  description: 'Cancels or retries all jobs that a filter matches.',
  input: inputSchema,
  result: resultSchema,
  timeoutSeconds: TIMEOUT_SECONDS,
  run: (input, job) => runBulkAction(input, job, job.use(bulkPorts)),
});

/**
 * Goes through the jobs from the newest to the oldest, a page at a time. A second attempt begins anew, and changes no job twice: a job that
 * was canceled is no longer matched, and one that was retried has not ended before the action was submitted.
 */
async function runBulkAction({ action, filter }: BulkActionInput, job: JobContext, ports: BulkPorts): Promise<Counts> {
  const { queue } = ports;
  const types = filter.type === undefined ? ports.types : [filter.type];
  const submittedAt = (await queue.read(job.id, bulkAction.name))?.createdAt ?? new Date();
  // Jobs of the same millisecond were created before it.
  const latest = submittedAt.getTime() + 1;
  const before = new Date(Math.min(latest, Date.parse(filter.createdBefore ?? '') || latest));
  const expected = await countExpected(types, filter.status, queue);
  const counts: Counts = { matched: 0, changed: 0, skipped: 0 };
  let after: ListPosition | undefined = { createdAt: before, id: '' };
  for (;;) {
    job.signal.throwIfAborted();
    const page = await queue.list({
      caller: filter.caller,
      types,
      statuses: filter.status,
      tag: filter.tag,
      after,
      since: filter.createdAfter === undefined ? undefined : new Date(filter.createdAfter),
      limit: PAGE,
    });
    const matching = page.jobs.filter((each) => each.id !== job.id && mayChange(each, submittedAt, queue));
    const changed = await changeAll(action, matching, ports);
    counts.matched += matching.length;
    counts.changed += changed;
    counts.skipped += matching.length - changed;
    await job.progress(
      Math.min(99, (counts.matched / Math.max(1, expected)) * 100),
      `matched ${counts.matched}, changed ${counts.changed}, skipped ${counts.skipped}`,
    );
    after = page.jobs.at(-1);
    if (!page.hasMore || after === undefined) return counts;
  }
}

/** Whether a job that ended had done so before the action was submitted, and has not expired. */
function mayChange(job: Job, submittedAt: Date, { now }: Pick<JobQueue, 'now'>): boolean {
  return !isDone(job) || (job.finishedAt <= submittedAt && job.expiresAt.getTime() > now(job.type));
}

async function changeAll(action: BulkActionInput['action'], jobs: readonly Job[], ports: BulkPorts): Promise<number> {
  const byType = [...Map.groupBy(jobs, ({ type }) => type)];
  const changed = await Promise.all(
    byType.map(([type, ofType]) => {
      const ids = ofType.map(({ id }) => id);
      return action === 'cancel'
        ? ports.queue.cancelAll(type, ids)
        : ports.queue.retryAll(type, ids, ports.attemptsOf(type));
    }),
  );
  return changed.reduce((sum, each) => sum + each, 0);
}

/** At most so many jobs are matched, for the progress: those of other callers and times count too. */
async function countExpected(
  types: readonly string[],
  statuses: BulkActionInput['filter']['status'],
  queue: Pick<JobQueue, 'readTypeState'>,
): Promise<number> {
  const states = await Promise.all(types.map(queue.readTypeState));
  const numbers = states.flatMap(({ counts }) => {
    const { pending: Pending, running: Running, succeeded: Succeeded, failed: Failed, canceled: Canceled } = counts;
    const byStatus = { Pending, Running, Succeeded, Failed, Canceled };
    return statuses.map((status) => byStatus[status]);
  });
  return numbers.reduce((sum, each) => sum + each, 0);
}
