import type { Job } from 'bullmq';
import { z } from 'zod';
import type { AttemptOutcome } from '../../core/ports.ts';
import { type TraceContext, readTraceContext, traceIdOf } from '../../core/trace.ts';
import { type Span, type Tracer, jobAttributes } from '../../core/tracer.ts';
import { fromMetadata } from '../job-trace.ts';
import type { JobData } from '../job-record.ts';

/** The traces that attempts began themselves, because the submissions were not traced. */
const begun = new WeakMap<object, string>();

/** The trace of a job that this process runs; undefined if it is not traced. */
export function traceIdOfJob(job: Job<JobData>): string | undefined {
  const metadata = job.opts.telemetry?.metadata;
  const trace = metadata === undefined ? undefined : fromMetadata(metadata);
  return trace ? traceIdOf(trace) : begun.get(job);
}

/** A child of the submission's span, with links to the earlier attempts, which are its children too. */
export function startAttemptSpan(tracer: Tracer, type: string, job: Job<JobData>, attempt: number): Span {
  const parent = fromMetadata(job.opts.telemetry?.metadata);
  const span = tracer.start('consumer', parent, () => ({
    name: `process ${type}`,
    links: job.stacktrace?.flatMap(toLink) ?? [],
    attributes: {
      ...jobAttributes('process', type),
      'messaging.message.id': job.id,
      'accepted.attempt': attempt,
    },
  }));
  if (parent === undefined) begun.set(job, traceIdOf(span.context));
  return span;
}

const traceSchema = z.object({ span: z.string() });

/** The span of an earlier attempt, from what `toTrace` made of it; none for an attempt that was not traced. */
function toLink(trace: string): TraceContext[] {
  try {
    const { span } = traceSchema.parse(JSON.parse(trace));
    return [readTraceContext(span, undefined) ?? []].flat();
  } catch {
    return [];
  }
}

export function endAttemptSpan(span: Span, outcome: AttemptOutcome): void {
  span.set({ 'accepted.outcome': outcome.kind });
  const isFailure = outcome.kind === 'failed' || outcome.kind === 'postponed';
  span.end(isFailure ? outcome.error.code : undefined);
}
