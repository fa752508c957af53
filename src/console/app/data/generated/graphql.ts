/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Which jobs: those for which every field that is given holds. */
export type JobFilter = {
  /** Only jobs of the caller with this id. Another's are for admins, who see the jobs of all callers without it. */
  caller?: string | null | undefined;
  /** Only jobs that were created at this time or later. */
  createdAfter?: string | null | undefined;
  /** Only jobs that were created before this time. */
  createdBefore?: string | null | undefined;
  /** Only jobs in any of these states. */
  status?: Array<JobStatus> | null | undefined;
  /** Only jobs with this tag. */
  tag?: string | null | undefined;
  /** Only jobs of this type. */
  type?: string | null | undefined;
};

/** What a piece of output is. */
export type JobOutputKind =
  /** The beginning of a further run, as when an attempt failed or lost its worker: what came before is not of this run. */
  | 'ATTEMPT'
  /** A value that the function published. */
  | 'VALUE';

/** PENDING → RUNNING → SUCCEEDED, FAILED or CANCELED. A job that waits for its next attempt is PENDING again. */
export type JobStatus =
  | 'CANCELED'
  | 'FAILED'
  | 'PENDING'
  | 'RUNNING'
  | 'SUCCEEDED';

/** TIMEOUT: no reply within 15 seconds. REFUSED_ADDRESS: the server does not send to that address. DNS, TLS, CONNECTION: what failed. REDIRECT: the reply was one, which is not followed. */
export type WebhookAttemptError =
  | 'CONNECTION'
  | 'DNS'
  | 'REDIRECT'
  | 'REFUSED_ADDRESS'
  | 'TIMEOUT'
  | 'TLS';

/** PENDING until an attempt is answered with 2xx. FAILED: the last attempt failed, or the receiver replied 410. */
export type WebhookDeliveryStatus =
  | 'DELIVERED'
  | 'FAILED'
  | 'PENDING';

type JobRow_BulkActionJob_Fragment = { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null };

type JobRow_CustomerImportJob_Fragment = { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null };

type JobRow_CustomerJob_Fragment = { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null };

type JobRow_JobOfRemovedType_Fragment = { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null };

export type JobRowFragment =
  | JobRow_BulkActionJob_Fragment
  | JobRow_CustomerImportJob_Fragment
  | JobRow_CustomerJob_Fragment
  | JobRow_JobOfRemovedType_Fragment
;

type JobDetails_BulkActionJob_Fragment = { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> };

type JobDetails_CustomerImportJob_Fragment = { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> };

type JobDetails_CustomerJob_Fragment = { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> };

type JobDetails_JobOfRemovedType_Fragment = { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> };

export type JobDetailsFragment =
  | JobDetails_BulkActionJob_Fragment
  | JobDetails_CustomerImportJob_Fragment
  | JobDetails_CustomerJob_Fragment
  | JobDetails_JobOfRemovedType_Fragment
;

export type JobsQueryVariables = Exact<{
  filter?: JobFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type JobsQuery = { jobs: { nodes: Array<
      | { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null }
      | { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null }
      | { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null }
      | { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null }
    >, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type JobQueryVariables = Exact<{
  id: string | number;
}>;


export type JobQuery = { jobStatus:
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
   | null };

export type JobUpdatesSubscriptionVariables = Exact<{
  id: string | number;
}>;


export type JobUpdatesSubscription = { jobUpdates:
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
   };

export type CancelJobMutationVariables = Exact<{
  id: string | number;
}>;


export type CancelJobMutation = { cancelJob:
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
   | null };

export type RetryJobMutationVariables = Exact<{
  id: string | number;
}>;


export type RetryJobMutation = { retryJob:
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
    | { expiresAt: string | null, scheduledFor: string | null, startBefore: string | null, priority: number, tags: Array<string>, statusUrl: string, resultUrl: string | null, resourceUrl: string | null, traceId: string | null, id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string, message: string } | null, history: Array<{ attempt: number, startedAt: string, finishedAt: string, error: { code: string, message: string } }> }
   | null };

export type TypeStatsFragment = { name: string, description: string | null, paused: boolean, oldestWaitingSeconds: number | null, counts: { pending: number, running: number, succeeded: number, failed: number, canceled: number, exact: boolean }, lastMinute: { succeeded: number, failed: number }, lastHour: { succeeded: number, failed: number }, lastDay: { succeeded: number, failed: number }, duration: { p50: number, p95: number } | null, waiting: { p50: number, p95: number } | null, history: { succeeded: Array<number>, failed: Array<number> }, schedule: { cron: string, timezone: string, nextRunAt: string | null } | null };

export type JobTypesQueryVariables = Exact<{ [key: string]: never; }>;


export type JobTypesQuery = { jobTypes: Array<{ name: string, description: string | null, paused: boolean, oldestWaitingSeconds: number | null, counts: { pending: number, running: number, succeeded: number, failed: number, canceled: number, exact: boolean }, lastMinute: { succeeded: number, failed: number }, lastHour: { succeeded: number, failed: number }, lastDay: { succeeded: number, failed: number }, duration: { p50: number, p95: number } | null, waiting: { p50: number, p95: number } | null, history: { succeeded: Array<number>, failed: Array<number> }, schedule: { cron: string, timezone: string, nextRunAt: string | null } | null }> };

export type PauseJobTypeMutationVariables = Exact<{
  type: string;
}>;


export type PauseJobTypeMutation = { pauseJobType: { name: string, description: string | null, paused: boolean, oldestWaitingSeconds: number | null, counts: { pending: number, running: number, succeeded: number, failed: number, canceled: number, exact: boolean }, lastMinute: { succeeded: number, failed: number }, lastHour: { succeeded: number, failed: number }, lastDay: { succeeded: number, failed: number }, duration: { p50: number, p95: number } | null, waiting: { p50: number, p95: number } | null, history: { succeeded: Array<number>, failed: Array<number> }, schedule: { cron: string, timezone: string, nextRunAt: string | null } | null } | null };

export type ResumeJobTypeMutationVariables = Exact<{
  type: string;
}>;


export type ResumeJobTypeMutation = { resumeJobType: { name: string, description: string | null, paused: boolean, oldestWaitingSeconds: number | null, counts: { pending: number, running: number, succeeded: number, failed: number, canceled: number, exact: boolean }, lastMinute: { succeeded: number, failed: number }, lastHour: { succeeded: number, failed: number }, lastDay: { succeeded: number, failed: number }, duration: { p50: number, p95: number } | null, waiting: { p50: number, p95: number } | null, history: { succeeded: Array<number>, failed: Array<number> }, schedule: { cron: string, timezone: string, nextRunAt: string | null } | null } | null };

export type CountJobsQueryVariables = Exact<{
  filter: JobFilter;
  after?: string | null | undefined;
}>;


export type CountJobsQuery = { jobs: { nodes: Array<
      | { id: string }
      | { id: string }
      | { id: string }
      | { id: string }
    >, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type CancelJobsMutationVariables = Exact<{
  filter: JobFilter;
}>;


export type CancelJobsMutation = { cancelJobs: { id: string } | null };

export type RetryJobsMutationVariables = Exact<{
  filter: JobFilter;
}>;


export type RetryJobsMutation = { retryJobs: { id: string } | null };

export type BulkActionSubscriptionVariables = Exact<{
  id: string | number;
}>;


export type BulkActionSubscription = { jobUpdates:
    | { id: string, status: JobStatus, done: boolean, percentComplete: number, message: string | null, result: { matched: number, changed: number, skipped: number } | null, error: { code: string, message: string } | null }
    | { id: string, status: JobStatus, done: boolean, percentComplete: number, message: string | null, error: { code: string, message: string } | null }
    | { id: string, status: JobStatus, done: boolean, percentComplete: number, message: string | null, error: { code: string, message: string } | null }
    | { id: string, status: JobStatus, done: boolean, percentComplete: number, message: string | null, error: { code: string, message: string } | null }
   };

export type JobChangesSubscriptionVariables = Exact<{
  filter?: JobFilter | null | undefined;
}>;


export type JobChangesSubscription = { jobChanges:
    | { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null }
    | { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null }
    | { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null }
    | { id: string, type: string, status: JobStatus, done: boolean, cancelRequested: boolean, percentComplete: number, message: string | null, attempt: number, maxAttempts: number, createdAt: string, lastUpdatedAt: string, startedAt: string | null, finishedAt: string | null, caller: string | null, error: { code: string } | null }
   };

export type AnyJobChangeSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type AnyJobChangeSubscription = { jobChanges:
    | { id: string }
    | { id: string }
    | { id: string }
    | { id: string }
   };

export type DeliveryFragment = { id: string, event: string, status: WebhookDeliveryStatus, url: string, createdAt: string, nextAttemptAt: string | null, attempts: Array<{ at: string, durationMs: number, statusCode: number | null, error: WebhookAttemptError | null }> };

export type DeliveriesQueryVariables = Exact<{
  id: string | number;
}>;


export type DeliveriesQuery = { jobStatus:
    | { deliveries: Array<{ id: string, event: string, status: WebhookDeliveryStatus, url: string, createdAt: string, nextAttemptAt: string | null, attempts: Array<{ at: string, durationMs: number, statusCode: number | null, error: WebhookAttemptError | null }> }> | null }
    | { deliveries: Array<{ id: string, event: string, status: WebhookDeliveryStatus, url: string, createdAt: string, nextAttemptAt: string | null, attempts: Array<{ at: string, durationMs: number, statusCode: number | null, error: WebhookAttemptError | null }> }> | null }
    | { deliveries: Array<{ id: string, event: string, status: WebhookDeliveryStatus, url: string, createdAt: string, nextAttemptAt: string | null, attempts: Array<{ at: string, durationMs: number, statusCode: number | null, error: WebhookAttemptError | null }> }> | null }
    | { deliveries: Array<{ id: string, event: string, status: WebhookDeliveryStatus, url: string, createdAt: string, nextAttemptAt: string | null, attempts: Array<{ at: string, durationMs: number, statusCode: number | null, error: WebhookAttemptError | null }> }> | null }
   | null };

export type RedeliverWebhookMutationVariables = Exact<{
  jobId: string | number;
  deliveryId: string | number;
}>;


export type RedeliverWebhookMutation = { redeliverWebhook: { id: string, event: string, status: WebhookDeliveryStatus, url: string, createdAt: string, nextAttemptAt: string | null, attempts: Array<{ at: string, durationMs: number, statusCode: number | null, error: WebhookAttemptError | null }> } | null };

export type JobOutputSubscriptionVariables = Exact<{
  id: string | number;
  after: number;
}>;


export type JobOutputSubscription = { jobOutput: { sequence: number, attempt: number, kind: JobOutputKind, value: unknown } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const JobRowFragmentDoc = new TypedDocumentString(`
    fragment JobRow on Job {
  id
  type
  status
  done
  cancelRequested
  percentComplete
  message
  attempt
  maxAttempts
  createdAt
  lastUpdatedAt
  startedAt
  finishedAt
  caller
  error {
    code
  }
}
    `, {"fragmentName":"JobRow"}) as unknown as TypedDocumentString<JobRowFragment, unknown>;
export const JobDetailsFragmentDoc = new TypedDocumentString(`
    fragment JobDetails on Job {
  ...JobRow
  expiresAt
  scheduledFor
  startBefore
  priority
  tags
  error {
    code
    message
  }
  statusUrl
  resultUrl
  resourceUrl
  traceId
  history {
    attempt
    startedAt
    finishedAt
    error {
      code
      message
    }
  }
}
    fragment JobRow on Job {
  id
  type
  status
  done
  cancelRequested
  percentComplete
  message
  attempt
  maxAttempts
  createdAt
  lastUpdatedAt
  startedAt
  finishedAt
  caller
  error {
    code
  }
}`, {"fragmentName":"JobDetails"}) as unknown as TypedDocumentString<JobDetailsFragment, unknown>;
export const TypeStatsFragmentDoc = new TypedDocumentString(`
    fragment TypeStats on JobTypeStats {
  name
  description
  paused
  counts {
    pending
    running
    succeeded
    failed
    canceled
    exact
  }
  lastMinute {
    succeeded
    failed
  }
  lastHour {
    succeeded
    failed
  }
  lastDay {
    succeeded
    failed
  }
  oldestWaitingSeconds
  duration {
    p50
    p95
  }
  waiting {
    p50
    p95
  }
  history {
    succeeded
    failed
  }
  schedule {
    cron
    timezone
    nextRunAt
  }
}
    `, {"fragmentName":"TypeStats"}) as unknown as TypedDocumentString<TypeStatsFragment, unknown>;
export const DeliveryFragmentDoc = new TypedDocumentString(`
    fragment Delivery on WebhookDelivery {
  id
  event
  status
  url
  createdAt
  nextAttemptAt
  attempts {
    at
    durationMs
    statusCode
    error
  }
}
    `, {"fragmentName":"Delivery"}) as unknown as TypedDocumentString<DeliveryFragment, unknown>;
export const JobsDocument = new TypedDocumentString(`
    query Jobs($filter: JobFilter, $first: Int!, $after: String) {
  jobs(filter: $filter, first: $first, after: $after) {
    nodes {
      ...JobRow
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment JobRow on Job {
  id
  type
  status
  done
  cancelRequested
  percentComplete
  message
  attempt
  maxAttempts
  createdAt
  lastUpdatedAt
  startedAt
  finishedAt
  caller
  error {
    code
  }
}`) as unknown as TypedDocumentString<JobsQuery, JobsQueryVariables>;
export const JobDocument = new TypedDocumentString(`
    query Job($id: ID!) {
  jobStatus(id: $id) {
    ...JobDetails
  }
}
    fragment JobRow on Job {
  id
  type
  status
  done
  cancelRequested
  percentComplete
  message
  attempt
  maxAttempts
  createdAt
  lastUpdatedAt
  startedAt
  finishedAt
  caller
  error {
    code
  }
}
fragment JobDetails on Job {
  ...JobRow
  expiresAt
  scheduledFor
  startBefore
  priority
  tags
  error {
    code
    message
  }
  statusUrl
  resultUrl
  resourceUrl
  traceId
  history {
    attempt
    startedAt
    finishedAt
    error {
      code
      message
    }
  }
}`) as unknown as TypedDocumentString<JobQuery, JobQueryVariables>;
export const JobUpdatesDocument = new TypedDocumentString(`
    subscription JobUpdates($id: ID!) {
  jobUpdates(id: $id) {
    ...JobDetails
  }
}
    fragment JobRow on Job {
  id
  type
  status
  done
  cancelRequested
  percentComplete
  message
  attempt
  maxAttempts
  createdAt
  lastUpdatedAt
  startedAt
  finishedAt
  caller
  error {
    code
  }
}
fragment JobDetails on Job {
  ...JobRow
  expiresAt
  scheduledFor
  startBefore
  priority
  tags
  error {
    code
    message
  }
  statusUrl
  resultUrl
  resourceUrl
  traceId
  history {
    attempt
    startedAt
    finishedAt
    error {
      code
      message
    }
  }
}`) as unknown as TypedDocumentString<JobUpdatesSubscription, JobUpdatesSubscriptionVariables>;
export const CancelJobDocument = new TypedDocumentString(`
    mutation CancelJob($id: ID!) {
  cancelJob(id: $id) {
    ...JobDetails
  }
}
    fragment JobRow on Job {
  id
  type
  status
  done
  cancelRequested
  percentComplete
  message
  attempt
  maxAttempts
  createdAt
  lastUpdatedAt
  startedAt
  finishedAt
  caller
  error {
    code
  }
}
fragment JobDetails on Job {
  ...JobRow
  expiresAt
  scheduledFor
  startBefore
  priority
  tags
  error {
    code
    message
  }
  statusUrl
  resultUrl
  resourceUrl
  traceId
  history {
    attempt
    startedAt
    finishedAt
    error {
      code
      message
    }
  }
}`) as unknown as TypedDocumentString<CancelJobMutation, CancelJobMutationVariables>;
export const RetryJobDocument = new TypedDocumentString(`
    mutation RetryJob($id: ID!) {
  retryJob(id: $id) {
    ...JobDetails
  }
}
    fragment JobRow on Job {
  id
  type
  status
  done
  cancelRequested
  percentComplete
  message
  attempt
  maxAttempts
  createdAt
  lastUpdatedAt
  startedAt
  finishedAt
  caller
  error {
    code
  }
}
fragment JobDetails on Job {
  ...JobRow
  expiresAt
  scheduledFor
  startBefore
  priority
  tags
  error {
    code
    message
  }
  statusUrl
  resultUrl
  resourceUrl
  traceId
  history {
    attempt
    startedAt
    finishedAt
    error {
      code
      message
    }
  }
}`) as unknown as TypedDocumentString<RetryJobMutation, RetryJobMutationVariables>;
export const JobTypesDocument = new TypedDocumentString(`
    query JobTypes {
  jobTypes {
    ...TypeStats
  }
}
    fragment TypeStats on JobTypeStats {
  name
  description
  paused
  counts {
    pending
    running
    succeeded
    failed
    canceled
    exact
  }
  lastMinute {
    succeeded
    failed
  }
  lastHour {
    succeeded
    failed
  }
  lastDay {
    succeeded
    failed
  }
  oldestWaitingSeconds
  duration {
    p50
    p95
  }
  waiting {
    p50
    p95
  }
  history {
    succeeded
    failed
  }
  schedule {
    cron
    timezone
    nextRunAt
  }
}`) as unknown as TypedDocumentString<JobTypesQuery, JobTypesQueryVariables>;
export const PauseJobTypeDocument = new TypedDocumentString(`
    mutation PauseJobType($type: String!) {
  pauseJobType(type: $type) {
    ...TypeStats
  }
}
    fragment TypeStats on JobTypeStats {
  name
  description
  paused
  counts {
    pending
    running
    succeeded
    failed
    canceled
    exact
  }
  lastMinute {
    succeeded
    failed
  }
  lastHour {
    succeeded
    failed
  }
  lastDay {
    succeeded
    failed
  }
  oldestWaitingSeconds
  duration {
    p50
    p95
  }
  waiting {
    p50
    p95
  }
  history {
    succeeded
    failed
  }
  schedule {
    cron
    timezone
    nextRunAt
  }
}`) as unknown as TypedDocumentString<PauseJobTypeMutation, PauseJobTypeMutationVariables>;
export const ResumeJobTypeDocument = new TypedDocumentString(`
    mutation ResumeJobType($type: String!) {
  resumeJobType(type: $type) {
    ...TypeStats
  }
}
    fragment TypeStats on JobTypeStats {
  name
  description
  paused
  counts {
    pending
    running
    succeeded
    failed
    canceled
    exact
  }
  lastMinute {
    succeeded
    failed
  }
  lastHour {
    succeeded
    failed
  }
  lastDay {
    succeeded
    failed
  }
  oldestWaitingSeconds
  duration {
    p50
    p95
  }
  waiting {
    p50
    p95
  }
  history {
    succeeded
    failed
  }
  schedule {
    cron
    timezone
    nextRunAt
  }
}`) as unknown as TypedDocumentString<ResumeJobTypeMutation, ResumeJobTypeMutationVariables>;
export const CountJobsDocument = new TypedDocumentString(`
    query CountJobs($filter: JobFilter!, $after: String) {
  jobs(filter: $filter, first: 100, after: $after) {
    nodes {
      id
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<CountJobsQuery, CountJobsQueryVariables>;
export const CancelJobsDocument = new TypedDocumentString(`
    mutation CancelJobs($filter: JobFilter!) {
  cancelJobs(filter: $filter) {
    id
  }
}
    `) as unknown as TypedDocumentString<CancelJobsMutation, CancelJobsMutationVariables>;
export const RetryJobsDocument = new TypedDocumentString(`
    mutation RetryJobs($filter: JobFilter!) {
  retryJobs(filter: $filter) {
    id
  }
}
    `) as unknown as TypedDocumentString<RetryJobsMutation, RetryJobsMutationVariables>;
export const BulkActionDocument = new TypedDocumentString(`
    subscription BulkAction($id: ID!) {
  jobUpdates(id: $id) {
    id
    status
    done
    percentComplete
    message
    error {
      code
      message
    }
    ... on BulkActionJob {
      result {
        matched
        changed
        skipped
      }
    }
  }
}
    `) as unknown as TypedDocumentString<BulkActionSubscription, BulkActionSubscriptionVariables>;
export const JobChangesDocument = new TypedDocumentString(`
    subscription JobChanges($filter: JobFilter) {
  jobChanges(filter: $filter) {
    ...JobRow
  }
}
    fragment JobRow on Job {
  id
  type
  status
  done
  cancelRequested
  percentComplete
  message
  attempt
  maxAttempts
  createdAt
  lastUpdatedAt
  startedAt
  finishedAt
  caller
  error {
    code
  }
}`) as unknown as TypedDocumentString<JobChangesSubscription, JobChangesSubscriptionVariables>;
export const AnyJobChangeDocument = new TypedDocumentString(`
    subscription AnyJobChange {
  jobChanges {
    id
  }
}
    `) as unknown as TypedDocumentString<AnyJobChangeSubscription, AnyJobChangeSubscriptionVariables>;
export const DeliveriesDocument = new TypedDocumentString(`
    query Deliveries($id: ID!) {
  jobStatus(id: $id) {
    deliveries {
      ...Delivery
    }
  }
}
    fragment Delivery on WebhookDelivery {
  id
  event
  status
  url
  createdAt
  nextAttemptAt
  attempts {
    at
    durationMs
    statusCode
    error
  }
}`) as unknown as TypedDocumentString<DeliveriesQuery, DeliveriesQueryVariables>;
export const RedeliverWebhookDocument = new TypedDocumentString(`
    mutation RedeliverWebhook($jobId: ID!, $deliveryId: ID!) {
  redeliverWebhook(jobId: $jobId, deliveryId: $deliveryId) {
    ...Delivery
  }
}
    fragment Delivery on WebhookDelivery {
  id
  event
  status
  url
  createdAt
  nextAttemptAt
  attempts {
    at
    durationMs
    statusCode
    error
  }
}`) as unknown as TypedDocumentString<RedeliverWebhookMutation, RedeliverWebhookMutationVariables>;
export const JobOutputDocument = new TypedDocumentString(`
    subscription JobOutput($id: ID!, $after: Int!) {
  jobOutput(id: $id, after: $after) {
    sequence
    attempt
    kind
    value
  }
}
    `) as unknown as TypedDocumentString<JobOutputSubscription, JobOutputSubscriptionVariables>;