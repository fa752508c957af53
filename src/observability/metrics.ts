/** The metrics of a process, as Prometheus reads them. */
import { Registry } from 'prom-client';
import { PROBLEMS } from '../core/errors.ts';
import type { Metrics, QueueMonitor } from '../core/metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { addQueueMetrics } from './queue-metrics.ts';
import { createTallies } from './tallies.ts';

/** As OpenTelemetry's conventions advise, and beyond, since requests may be held for 50 s. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];
/** Of attempts and waits: from milliseconds to hours. */
const JOB_SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400];
const WEBHOOK_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20];
const STORE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** OpenTelemetry's name for whatever is not in a bounded set. */
const OTHER = '_OTHER';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']);
/** Codes of jobs' errors that this product makes; those of a job's function may be any text. */
const CODES = new Set([
  'JOB_FAILED',
  'JOB_TIMEOUT',
  'JOB_CANCELED',
  'JOB_STALLED',
  'JOB_EXPIRED',
  'INVALID_RESULT',
  'INVALID_INPUT',
]);
/** Why a submission was refused; empty if it was not. */
const toReason = (outcome: string): string => (Object.hasOwn(PROBLEMS, outcome) ? outcome : '');

const boundedCode = (code: string | undefined): string =>
  code === undefined || CODES.has(code) ? (code ?? '') : 'other';

/** The API of a route. */
function apiOf(route: string | undefined): 'graphql' | 'rest' | 'other' {
  if (route?.startsWith('/api') === true) return 'rest';
  return route === '/graphql' ? 'graphql' : 'other';
}

export interface ProcessMetrics extends Metrics {
  /** Reads this queue at each scrape from now on. To be called once. */
  monitor(queue: QueueMonitor): void;
  /** All metrics in Prometheus's text format. Takes as long as the store does to answer, and 50 ms at most. */
  render(): Promise<string>;
  readonly contentType: string;
  close(): void;
}

/**
 * Metrics of this process alone, in no global registry.
 * @param types names of the job types
 */
export function createMetrics(types: readonly string[]): ProcessMetrics {
  const registry = new Registry();
  const tallies = createTallies();
  const observeRequest = tallies.addHistogram({
    name: 'http_server_request_duration_seconds',
    help: 'Duration of requests, those that were held for a job included.',
    labelNames: [
      'http_request_method',
      'http_route',
      'http_response_status_code',
      'error_type',
      'accepted_api',
      'graphql_operation',
    ],
    buckets: REQUEST_SECONDS,
  });
  const addSubmission = tallies.addCounter({
    name: 'accepted_submissions_total',
    help: 'Submissions that reached the service: accepted, replayed, or refused for a reason.',
    labelNames: ['type', 'outcome', 'reason'],
  });
  const observeWait = tallies.addHistogram({
    name: 'accepted_job_wait_seconds',
    help: 'Time from when a job was to run to the start of its first attempt.',
    labelNames: ['type'],
    buckets: JOB_SECONDS,
  });
  const observeAttempt = tallies.addHistogram({
    name: 'messaging_process_duration_seconds',
    help: 'Duration of attempts.',
    labelNames: ['messaging_system', 'messaging_destination_name', 'accepted_outcome', 'error_type'],
    buckets: JOB_SECONDS,
  });
  const addEnd = tallies.addCounter({
    name: 'accepted_jobs_ended_total',
    help: 'Jobs that ended in this process, by status and by the code of their error.',
    labelNames: ['type', 'status', 'code'],
  });
  const addQuarantine = tallies.addCounter({
    name: 'accepted_jobs_quarantined_total',
    help: 'Times that a job lost its worker and was set apart.',
    labelNames: ['type'],
  });
  const observeWebhook = tallies.addHistogram({
    name: 'accepted_webhook_attempt_duration_seconds',
    help: 'Duration of attempts to send webhooks, by what followed: delivered, retried or failed.',
    labelNames: ['outcome'],
    buckets: WEBHOOK_SECONDS,
  });
  const observeStoreCall = tallies.addHistogram({
    name: 'messaging_client_operation_duration_seconds',
    help: "Duration of round trips to the store: the queue's own, and the steps of BullMQ's workers.",
    labelNames: ['messaging_system', 'messaging_operation_name', 'error_type'],
    buckets: STORE_SECONDS,
  });
  // Prometheus sees a counter grow only from its second sample on.
  for (const type of types) {
    addSubmission([type, 'accepted', ''], 0);
    addEnd([type, 'Succeeded', ''], 0);
    addEnd([type, 'Failed', 'JOB_STALLED'], 0);
    addQuarantine([type], 0);
  }
  const stopProcessMetrics = addProcessMetrics(registry);
  let refresh: (() => Promise<void>) | undefined;

  return {
    contentType: registry.contentType,
    monitor(queue) {
      refresh = addQueueMetrics(registry, queue);
    },
    async render() {
      await refresh?.();
      return `${tallies.render()}\n${await registry.metrics()}`;
    },
    close: stopProcessMetrics,
    requestEnded({ method, route, operation, status, problem, seconds }) {
      const code = String(status);
      observeRequest(
        [
          METHODS.has(method) ? method : OTHER,
          route ?? '',
          code,
          problem ?? (status >= 400 ? code : ''),
          apiOf(route),
          operation ?? '',
        ],
        seconds,
      );
    },
    submitted(type, outcome) {
      const reason = toReason(outcome);
      addSubmission([type, reason === '' ? outcome : 'refused', reason]);
    },
    waited: (type, seconds) => observeWait([type], Math.max(0, seconds)),
    attemptEnded({ type, outcome, code, seconds }) {
      observeAttempt(['bullmq', type, outcome, boundedCode(code)], Math.max(0, seconds));
    },
    jobEnded: (type, status, code) => addEnd([type, status, boundedCode(code)]),
    quarantined: (type) => addQuarantine([type]),
    webhookAttempted: (outcome, seconds) => observeWebhook([outcome.toLowerCase()], Math.max(0, seconds)),
    storeAnswered(operation, seconds, failure) {
      observeStoreCall(['bullmq', operation, failure ?? ''], seconds);
    },
  };
}
