import type { JobType } from '../../core/define-job.ts';
import { type BatchView, toBatchView } from '../../core/batch/batch-view.ts';
import { type Batch, isBatchDone } from '../../core/batch/batch.ts';
import { ANONYMOUS } from '../../core/access/caller.ts';
import { JOB_CANCELED, type Job, type JobFailure, isDone } from '../../core/job.ts';
import { LazyJobView, jobViewSchema } from '../../core/job-view.ts';
import { PROBLEMS, type ProblemName } from '../../core/errors.ts';
import { toPointer } from '../../http/problem.ts';
import { type Urls, createUrls } from '../../core/urls.ts';
import { PROBLEM_EXPLANATIONS, missingField } from '../pages/problem-explanations.ts';

interface Example {
  readonly summary: string;
  readonly value: object;
}

const urls = createUrls('http://localhost:4000');
const createdAt = new Date('2026-03-01T12:00:00.000Z');
const startedAt = new Date('2026-03-01T12:00:00.041Z');
const finishedAt = new Date('2026-03-01T12:00:00.250Z');
const expiresAt = new Date('2026-03-02T12:00:00.250Z');

function base(type: JobType) {
  const id = `${type.name}_ku9AYxTRGnLLm3ywHtGZ4Q`;
  return {
    id,
    type: type.name,
    caller: ANONYMOUS.id,
    maxAttempts: type.attempts,
    message: null,
    createdAt,
    history: [],
  };
}

function example(summary: string, job: Job, type: JobType): Example {
  // As in a reply, with dates as text.
  const retryAfterOf = (): number | null => (isDone(job) ? null : 1);
  const queuePositionOf = (): number | null => (job.status === 'Pending' ? 0 : null);
  const view = jobViewSchema.parse(
    new LazyJobView({ job, type, urls, retryAfterOf, queuePositionOf, showsCaller: false }),
  );
  return { summary, value: JSON.parse(JSON.stringify(view)) };
}

export function pendingExample(type: JobType): Example {
  const job = { ...base(type), status: 'Pending', attempt: 0, percentComplete: 0, startedAt: null } as const;
  return example('A job that waits', { ...job, lastUpdatedAt: createdAt }, type);
}

/** As in the reply to a submission. */
export function submittedExample(type: JobType): Example {
  const { summary, value } = pendingExample(type);
  const accessToken = `jk_${base(type).id}.1772366400000.1772452800.0QmXzL5sYpE2nWcRk7dVtJ8uHbGfA1oTiN6xSqM3CwU`;
  return { summary, value: { ...value, accessToken } };
}

export function runningExample(type: JobType): Example {
  const job = { ...base(type), status: 'Running', attempt: 1, percentComplete: 40, startedAt } as const;
  return example('A job that runs', { ...job, lastUpdatedAt: startedAt }, type);
}

export function failedExample(type: JobType): Example {
  const error: JobFailure = {
    code: 'JOB_FAILED',
    message: 'The job failed for an unexpected reason, which has been logged.',
  };
  const history = [{ attempt: 1, startedAt, finishedAt, error }];
  const job = {
    ...base(type),
    status: 'Failed',
    attempt: 1,
    maxAttempts: 1,
    percentComplete: 40,
    error,
    history,
  } as const;
  return example('A job that failed', { ...job, startedAt, finishedAt, expiresAt, lastUpdatedAt: finishedAt }, type);
}

export function canceledExample(type: JobType): Example {
  const job = { ...base(type), status: 'Canceled', attempt: 0, percentComplete: 0, startedAt: null } as const;
  return example(
    'A job that was canceled',
    { ...job, error: JOB_CANCELED, finishedAt, expiresAt, lastUpdatedAt: finishedAt },
    type,
  );
}

function batchView(type: string, counts: Batch['counts']): BatchView {
  const batch = { id: `${type}_Yq7hUeOE2Vh0mWm9cN1t3w`, type, caller: ANONYMOUS.id, createdAt, counts };
  return toBatchView(batch, urls, isBatchDone(batch) ? null : 1);
}

const toJson = (value: unknown): object => JSON.parse(JSON.stringify(value));

/** A batch of one valid item and one that is not. */
export function submittedBatchExample(type: JobType): Example {
  const view = batchView(type.name, { pending: 1, running: 0, succeeded: 0, failed: 0, canceled: 0 });
  const { issues, message } = missingField(type);
  const { status, title } = PROBLEMS['invalid-input'];
  const errors = issues.map(({ path, message: detail }) => ({ pointer: toPointer(path), detail }));
  const error = { type: urls.problem('invalid-input'), title, status, detail: message, errors };
  const { tags: _none, ...job } = Object(pendingExample(type).value);
  return {
    summary: 'One item was accepted, and one was not',
    value: {
      ...toJson(view),
      items: [
        { index: 0, job: { ...job, tags: [view.tag] } },
        { index: 1, error },
      ],
    },
  };
}

export function batchExample(state: 'running' | 'done'): Example {
  const open = { pending: 20, running: 10, succeeded: 69, failed: 1, canceled: 0 };
  const done = { pending: 0, running: 0, succeeded: 99, failed: 1, canceled: 0 };
  return state === 'done'
    ? { summary: 'All jobs are done', value: toJson(batchView('thumbnail', done)) }
    : { summary: 'Jobs wait and run', value: toJson(batchView('thumbnail', open)) };
}

/** One line, as an object. */
export const batchResultsExample: Example = {
  summary: 'A job that failed',
  value: {
    index: 1,
    id: 'thumbnail_ku9AYxTRGnLLm3ywHtGZ4Q',
    status: 'Failed',
    error: { code: 'JOB_FAILED', message: 'The job failed for an unexpected reason, which has been logged.' },
  },
};

/** One that is tried again. */
export const deliveryExample: object = {
  id: 'thumbnail_ku9AYxTRGnLLm3ywHtGZ4Q_mm7p9v4q',
  event: 'job.succeeded',
  status: 'Pending',
  url: 'https://example.com/webhooks',
  createdAt: finishedAt.toISOString(),
  nextAttemptAt: '2026-03-01T12:00:05.700Z',
  attempts: [{ at: '2026-03-01T12:00:00.300Z', durationMs: 120, statusCode: 503, error: null }],
};

/** Lines, as objects. */
export const outputExamples: Record<string, Example> = {
  value: { summary: 'A piece', value: { sequence: 1, attempt: 1, kind: 'value', value: 'Once upon a time' } },
  attempt: { summary: 'A further run begins', value: { sequence: 2, attempt: 2, kind: 'attempt' } },
};

function detailFor(name: ProblemName, type: JobType): string {
  const { example: detail } = PROBLEM_EXPLANATIONS[name];
  return typeof detail === 'string' ? detail : detail(type);
}

function extraMembers(name: ProblemName, type: JobType): object {
  if (name === 'job-canceled') return { code: JOB_CANCELED.code };
  if (name === 'job-failed') return { code: 'JOB_FAILED' };
  if (name === 'internal-error') return { errorId: '5f0c2c0e-6c8e-4b53-9a3c-0f3f5f7c8f11' };
  if (name !== 'invalid-input') return {};
  const errors = missingField(type).issues.map(({ path, message }) => ({ pointer: toPointer(path), detail: message }));
  return { instance: `/api/${type.collection}`, errors };
}

/** The body of a problem of this type, for one of the job types that are there. */
export function problemExample(name: ProblemName, { problem }: Urls, jobType: JobType): object {
  const { status, title } = PROBLEMS[name];
  return { type: problem(name), title, status, detail: detailFor(name, jobType), ...extraMembers(name, jobType) };
}

/** `components/examples`: one problem of each type. */
export function problemExamples([jobType]: readonly JobType[]): Record<string, Example> {
  if (jobType === undefined) return {};
  // The keys of the table are its names.
  const names = Object.keys(PROBLEMS) as ProblemName[];
  return Object.fromEntries(
    names.map((name) => [name, { summary: PROBLEMS[name].title, value: problemExample(name, urls, jobType) }]),
  );
}
