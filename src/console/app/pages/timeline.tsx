import type { ComponentChildren } from 'preact';
import type { JobDetails, SeenMessage } from '../data/use-job.ts';
import type { JobStatus } from '../data/generated/graphql.ts';
import { formatClock, formatDuration, formatExact, formatPlural } from '../format.ts';
import { STATUS_SHAPES } from '../parts/icons.tsx';
import { Progress } from '../parts/status.tsx';
import { Elapsed } from '../parts/time.tsx';

interface TimelineProps {
  readonly job: JobDetails;
  readonly messages: readonly SeenMessage[];
}

/** An attempt that ended without success, or the one that runs or ended the job. */
interface Attempt {
  readonly attempt: number;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly status: JobStatus;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What happened to a job, and when. */
export function Timeline({ job, messages }: TimelineProps) {
  const attempts = attemptsOf(job);
  const starts = attempts.map(({ startedAt }) => startedAt);
  return (
    <ol class="timeline">
      <Step status="PENDING" title="Queued" at={job.createdAt} />
      {attempts.map((attempt, index) => (
        <AttemptSteps
          key={attempt.startedAt}
          attempt={attempt}
          waitedFrom={index === 0 ? job.createdAt : (attempts[index - 1]?.finishedAt ?? null)}
          messages={messages.filter(({ at }) => at >= attempt.startedAt && !(at >= (starts[index + 1] ?? '~')))}
          job={job}
        />
      ))}
      <End job={job} attempts={attempts} />
    </ol>
  );
}

interface AttemptProps {
  readonly attempt: Attempt;
  readonly waitedFrom: string | null;
  readonly messages: readonly SeenMessage[];
  readonly job: JobDetails;
}

function AttemptSteps({ attempt, waitedFrom, messages, job }: AttemptProps) {
  const { startedAt, finishedAt, status, error } = attempt;
  const waited = waitedFrom === null ? 0 : Date.parse(startedAt) - Date.parse(waitedFrom);
  return (
    <>
      {waited >= 1000 && <li class="wait soft">waited {formatDuration(waited)}</li>}
      <Step
        status={status}
        title={`Attempt ${attempt.attempt}`}
        at={startedAt}
        note={<Elapsed from={startedAt} to={finishedAt} />}
      >
        {messages.length > 0 && (
          <ol class="messages">
            {messages.map(({ at, percent, text }) => (
              <li key={at + text}>
                <time dateTime={at} title={formatExact(at)}>
                  {formatClock(at)}
                </time>
                <span class="number">{percent} %</span>
                <span class="text">{text}</span>
              </li>
            ))}
          </ol>
        )}
        {status === 'RUNNING' && <Progress percent={job.percentComplete} message={null} />}
        {error !== null && (
          <p>
            <code class="code failed">{error.code}</code> <span class="text">{error.message}</span>
          </p>
        )}
      </Step>
    </>
  );
}

const ENDS: Readonly<Partial<Record<JobStatus, string>>> = {
  SUCCEEDED: 'Succeeded',
  FAILED: 'Failed',
  CANCELED: 'Canceled',
};

function End({ job, attempts }: { readonly job: JobDetails; readonly attempts: readonly Attempt[] }) {
  const { status, finishedAt, cancelRequested, createdAt } = job;
  if (status === 'RUNNING') return cancelRequested ? <li class="wait soft">told to stop</li> : null;
  if (status === 'PENDING') {
    const left = job.maxAttempts - job.attempt;
    return (
      <li class="wait soft">
        {attempts.length === 0
          ? 'waits for a worker'
          : `waits for its next attempt, of ${formatPlural(left, 'more', 'more')}`}
      </li>
    );
  }
  if (finishedAt === null) return null;
  return (
    <Step
      status={status}
      title={ENDS[status] ?? ''}
      at={finishedAt}
      note={`${formatDuration(Date.parse(finishedAt) - Date.parse(createdAt))} in all`}
    />
  );
}

interface StepProps {
  readonly status: JobStatus;
  readonly title: string;
  readonly at: string;
  readonly note?: ComponentChildren;
  readonly children?: ComponentChildren;
}

function Step({ status, title, at, note, children }: StepProps) {
  return (
    <li class={`step ${status.toLowerCase()}`}>
      {STATUS_SHAPES[status]}
      <div>
        <p class="step-head">
          <strong>{title}</strong>
          <time dateTime={at} title={formatExact(at)}>
            {formatClock(at)}
          </time>
          {note !== undefined && <span class="soft number">{note}</span>}
        </p>
        {children}
      </div>
    </li>
  );
}

function attemptsOf({ history, startedAt, status, attempt, finishedAt }: JobDetails): Attempt[] {
  const failed = history.map((each): Attempt => ({ ...each, status: 'FAILED' }));
  const last = failed.at(-1);
  const isKnown = startedAt === null || last?.startedAt === startedAt || (last?.finishedAt ?? '') > startedAt;
  if (isKnown || status === 'PENDING') return failed;
  return [...failed, { attempt: Math.max(attempt, 1), startedAt, finishedAt, status, error: null }];
}
