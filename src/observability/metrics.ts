/** The metrics of a process, as Prometheus reads them. */
import { Counter, Histogram, Registry } from 'prom-client';
import { PROBLEMS } from '../core/errors.ts';
import type { Metrics, QueueMonitor } from '../core/metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { addQueueMetrics } from './queue-metrics.ts';

/** As OpenTelemetry's conventions advise, and beyond, since requests may be held for 50 s. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];
/** Of attempts and waits: from milliseconds to hours. */
const JOB_SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400];
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
  const registers = [registry];
  const requests = new Histogram({
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
    registers,
  });
  const submissions = new Counter({
    name: 'accepted_submissions_total',
    help: 'Submissions that reached the service: accepted, replayed, or refused for a reason.',
    labelNames: ['type', 'outcome', 'reason'],
    registers,
  });
  const waits = new Histogram({
    name: 'accepted_job_wait_seconds',
    help: 'Time from when a job was to run to the start of its first attempt.',
    labelNames: ['type'],
    buckets: JOB_SECONDS,
    registers,
  });
  const attempts = new Histogram({
    name: 'messaging_process_duration_seconds',
    help: 'Duration of attempts.',
    labelNames: ['messaging_system', 'messaging_destination_name', 'accepted_outcome', 'error_type'],
    buckets: JOB_SECONDS,
    registers,
  });
  const ends = new Counter({
    name: 'accepted_jobs_ended_total',
    help: 'Jobs that ended in this process, by status and by the code of their error.',
    labelNames: ['type', 'status', 'code'],
    registers,
  });
  const quarantines = new Counter({
    name: 'accepted_jobs_quarantined_total',
    help: 'Times that a job lost its worker and was set apart.',
    labelNames: ['type'],
    registers,
  });
  const storeCalls = new Histogram({
    name: 'messaging_client_operation_duration_seconds',
    help: "Duration of the queue's round trips to its store, apart from those of BullMQ's workers.",
    labelNames: ['messaging_system', 'messaging_operation_name', 'error_type'],
    buckets: STORE_SECONDS,
    registers,
  });
  // Prometheus sees a counter grow only from its second sample on.
  for (const type of types) {
    submissions.inc({ type, outcome: 'accepted', reason: '' }, 0);
    ends.inc({ type, status: 'Succeeded', code: '' }, 0);
    ends.inc({ type, status: 'Failed', code: 'JOB_STALLED' }, 0);
    quarantines.inc({ type }, 0);
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
      return registry.metrics();
    },
    close: stopProcessMetrics,
    requestEnded({ method, route, operation, status, problem, seconds }) {
      requests.observe(
        {
          http_request_method: METHODS.has(method) ? method : OTHER,
          http_route: route ?? '',
          http_response_status_code: status,
          error_type: problem ?? (status >= 400 ? status : ''),
          accepted_api: apiOf(route),
          graphql_operation: operation ?? '',
        },
        seconds,
      );
    },
    submitted(type, outcome) {
      const reason = toReason(outcome);
      submissions.inc({ type, outcome: reason === '' ? outcome : 'refused', reason });
    },
    waited: (type, seconds) => waits.observe({ type }, Math.max(0, seconds)),
    attemptEnded({ type, outcome, code, seconds }) {
      attempts.observe(
        {
          messaging_system: 'bullmq',
          messaging_destination_name: type,
          accepted_outcome: outcome,
          error_type: boundedCode(code),
        },
        Math.max(0, seconds),
      );
    },
    jobEnded: (type, status, code) => ends.inc({ type, status, code: boundedCode(code) }),
    quarantined: (type) => quarantines.inc({ type }),
    storeAnswered(operation, seconds, failure) {
      storeCalls.observe(
        { messaging_system: 'bullmq', messaging_operation_name: operation, error_type: failure ?? '' },
        seconds,
      );
    },
  };
}
