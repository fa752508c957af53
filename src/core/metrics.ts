/** What a process counts and measures. */
import type { ProblemName } from './errors.ts';
import type { JobStatus } from './job.ts';
import type { AttemptOutcome } from './ports.ts';

/** A request whose reply was sent, or whose client is gone. */
export interface EndedRequest {
  readonly method: string;
  /** The pattern of its URL; undefined if no route matched. */
  readonly route: string | undefined;
  /** The kind and the root field of a GraphQL operation, such as `mutation submitThumbnail`; undefined for any other request. */
  readonly operation: string | undefined;
  readonly status: number;
  /** Why it was refused or failed; undefined if it was not. */
  readonly problem: ProblemName | undefined;
  readonly seconds: number;
}

/** One run of a job's function. */
export interface EndedAttempt {
  /** Name of the job type. */
  readonly type: string;
  readonly outcome: AttemptOutcome['kind'];
  /** Of its error; undefined if it has none. */
  readonly code: string | undefined;
  readonly seconds: number;
}

/**
 * Where each part of a process reports what it did. Each call takes about a microsecond, and never throws. Labels are bounded: no text
 * that a caller or a job's function makes becomes one.
 */
export interface Metrics {
  requestEnded(request: EndedRequest): void;
  /** A submission that reached the service. */
  submitted(type: string, outcome: 'accepted' | 'replayed' | ProblemName): void;
  /** A job's first attempt began so many seconds after the job was to run. */
  waited(type: string, seconds: number): void;
  attemptEnded(attempt: EndedAttempt): void;
  /** The store has the end of a job. @param code of its error; undefined if it succeeded */
  jobEnded(type: string, status: JobStatus, code?: string): void;
  /** A job that lost its worker waits apart from the others. */
  quarantined(type: string): void;
  /** An attempt to send a webhook. */
  webhookAttempted(outcome: 'Delivered' | 'Retried' | 'Failed', seconds: number): void;
  /** A call of the queue's store was answered, or failed. */
  storeAnswered(operation: string, seconds: number, failure: 'unavailable' | 'error' | undefined): void;
}

/** The jobs of one type that are not done. */
export interface QueueLoad {
  readonly type: string;
  /** Jobs that wait for a worker, counted up to 100,000. */
  readonly waiting: number;
  /** Jobs that wait for a time, such as that of their next attempt, counted up to 100,000. */
  readonly delayed: number;
  readonly running: number;
  /** How long the first one has waited for a worker, in milliseconds; undefined if none waits. */
  readonly oldestWaitingMs: number | undefined;
}

/** What a store does not do: nothing, changes, or anything. */
export type Outage = 'none' | 'writes' | 'all';

/** What is read of a queue for each scrape. */
export interface QueueMonitor {
  /** Of each job type that this process has. One round trip, whose cost does not grow with the number of finished jobs. */
  readLoads(): Promise<readonly QueueLoad[]>;
  /** How many webhooks wait to be sent, or are being sent: counted over 1,000 receivers of a type, or up to 100,000. */
  countWebhooks(): Promise<number>;
  outage(): Outage;
  /** Event streams, subscriptions and held requests that follow a job in this process. */
  watchers(): number;
}

const ignore = (): void => undefined;

/** Counts nothing. */
export const NO_METRICS: Metrics = {
  requestEnded: ignore,
  submitted: ignore,
  waited: ignore,
  attemptEnded: ignore,
  jobEnded: ignore,
  quarantined: ignore,
  webhookAttempted: ignore,
  storeAnswered: ignore,
};
