import type { JobType } from '../../core/define-job.ts';
import { type ProblemName, QUEUE_UNAVAILABLE, type ServiceError, jobExpired } from '../../core/errors.ts';
import { toInvalidInput } from '../../core/input/parse-input.ts';
import { JOB_CANCELED } from '../../core/job.ts';
import { queueFull, quotaExceeded } from '../../core/service/depth-limit.ts';
import { OVERLOADED } from '../../http/pressure.ts';
import { JSON_ONLY } from '../../http/json-body.ts';
import { RAW_DETAILS, UNEXPECTED } from '../../http/problem.ts';
import { rateLimited } from '../../http/rate-limit.ts';

/** The content of a problem type's page. */
export interface ProblemExplanation {
  readonly meaning: string;
  /** What a client should do. */
  readonly remedy: string;
  /** The `detail` of one such problem, as the server sends it, for a job type where it depends on that. */
  readonly example: string | ((type: JobType) => string);
}

/** A problem type without an explanation does not compile. */
export const PROBLEM_EXPLANATIONS: Readonly<Record<ProblemName, ProblemExplanation>> = {
  'invalid-input': {
    meaning:
      'The body, a query parameter or a header does not match the schema of the operation: a field is missing, unknown, or has an invalid value. Nothing was accepted.',
    remedy:
      'Read `errors`: each entry has a JSON Pointer to a field and the reason. Correct the input and send it again; the same input will be refused again.',
    example: (type) => missingField(type).message,
  },
  'malformed-request': {
    meaning:
      'The request cannot be read: its body is not JSON, its URL is badly encoded, or its Host is missing or not a name of this server.',
    remedy:
      'Correct the client, or the proxy in front of the server. Sending the same request again does not help. A server that is reached by a host name needs the setting `PUBLIC_URL`.',
    example: 'The body is not valid JSON.',
  },
  unauthenticated: {
    meaning:
      'The server requires authentication, and the credentials of the request are missing, unknown, forged, expired, or for another job.',
    remedy:
      'Send a valid API key or token, as `Authorization: Bearer …`. For one job, the `accessToken` from the reply to its submission is enough.',
    example: 'Send an API key or an access token.',
  },
  forbidden: {
    meaning: 'The caller is authenticated, but its key or token lacks a scope.',
    remedy: 'Use a key or a token with the scope that the detail names.',
    example: 'The scope submit is required.',
  },
  'not-found': {
    meaning: 'This URL has nothing: no such path, no such job of the caller, or no such resource.',
    remedy: 'Check the URL. For a job, use the `Location` from the reply to its submission.',
    example: 'There is no job with this id.',
  },
  'result-not-ready': {
    meaning: 'The job exists and has no result yet: it is pending or running.',
    remedy:
      'Wait as many seconds as `Retry-After` says, and try again; or poll the job itself, which shows its progress.',
    example: 'The job is pending. Try again later.',
  },
  'method-not-allowed': {
    meaning: 'The URL exists, but does not support this method.',
    remedy: 'Use one of the methods in the `Allow` header of the reply.',
    example: 'PUT is not allowed. Allowed methods: GET, HEAD, OPTIONS.',
  },
  'not-acceptable': {
    meaning: 'The `Accept` header of the request excludes every media type that this URL has.',
    remedy: 'Accept `application/json`, or `text/event-stream` for the events of a job.',
    example: 'Available as application/json or application/problem+json.',
  },
  'request-timeout': {
    meaning:
      'The request did not arrive in time: the header must be complete after 20 seconds, and the whole request after 30. Nothing was accepted.',
    remedy: 'Send it again over a faster connection, or send less at a time.',
    example: RAW_DETAILS['request-timeout'],
  },
  'job-canceled': {
    meaning: 'The job was canceled before it had a result, and will not have one.',
    remedy: 'If the work is still wanted, submit it again, or retry the job with `POST /api/jobs/{id}/retry`.',
    example: `${JOB_CANCELED.code}: ${JOB_CANCELED.message}`,
  },
  'not-cancelable': {
    meaning: 'The job is already done: it has succeeded or failed.',
    remedy: 'Read the job to see how it ended.',
    example: 'The job is already done.',
  },
  'not-retryable': {
    meaning: 'Only a failed or canceled job can be retried; this one is pending, running, or has succeeded.',
    remedy: 'Follow the job, or submit new work.',
    example: 'Only a job that failed or was canceled can be retried.',
  },
  expired: {
    meaning:
      "The caller's job was here, and is no more: a finished job is deleted at its `expiresAt`, with its input and its result. Another caller gets `not-found`.",
    remedy: 'Do not ask again. If the result is still needed, submit the work again, and read the result in time.',
    example: jobExpired().message,
  },
  'precondition-failed': {
    meaning: 'The `If-Match` of the request names another state of the job than its present one. Nothing was done.',
    remedy: 'Read the job, and decide again with its new `ETag`.',
    example: 'The job has changed: its ETag is none of those in If-Match.',
  },
  'too-large': {
    meaning: 'The request body is larger than the server accepts.',
    remedy: 'Send less at a time: several small jobs instead of one large job.',
    example: 'Request body is too large',
  },
  'range-not-satisfiable': {
    meaning: 'The request asks for a part of a file that begins behind its end (RFC 9110, section 14.2).',
    remedy: 'Read `Content-Range`, which has the size of the file, and ask for a part of it, or for all of it.',
    example: 'The file has 1024 bytes.',
  },
  'unsupported-media-type': {
    meaning: 'The operation does not accept the media type of the request body.',
    remedy: 'Send JSON, with `Content-Type: application/json`.',
    example: JSON_ONLY,
  },
  'job-failed': {
    meaning:
      'The job was accepted, ran, and failed: it has used up its attempts, or the failure is one that another attempt cannot fix. The detail starts with the code of the failure.',
    remedy:
      'Act on the code. If it is about the input, correct the input and submit it as new work; if the cause is gone, retry the job with `POST /api/jobs/{id}/retry`.',
    example: 'JOB_FAILED: The job failed for an unexpected reason, which has been logged.',
  },
  'idempotency-key-reused': {
    meaning: 'The same caller has already used this `Idempotency-Key` for another input of the same job type.',
    remedy: 'Use a new key for new work. Repeat a key only with the same input, for example after a lost reply.',
    example: 'This idempotency key was used with a different input or other options.',
  },
  'quota-exceeded': {
    meaning:
      'The caller has as many jobs waiting as the server lets one caller have. Nothing was accepted; the waiting jobs and other callers are not affected.',
    remedy: 'Wait as many seconds as `Retry-After` says, and send the same request again.',
    example: quotaExceeded(1000),
  },
  'rate-limited': {
    meaning: 'The caller has sent more requests than its limit allows. The request was not processed.',
    remedy:
      'Wait as many seconds as `Retry-After` says. `RateLimit-Policy` states the limit, and `RateLimit` how many requests are left.',
    example: rateLimited({ requests: 100, seconds: 1 }),
  },
  'header-too-large': {
    meaning: 'The request line and the header fields together exceed 16 KiB, or there are more than 100 fields.',
    remedy: 'Send fewer or shorter header fields and cookies, and put long values into the body.',
    example: 'The request has more than 100 header fields.',
  },
  'internal-error': {
    meaning: 'The server failed unexpectedly. The reply does not contain the cause; the log of the server does.',
    remedy: 'Try again later. If the error persists, report the `errorId` of the reply to the operator of the server.',
    example: UNEXPECTED,
  },
  'not-implemented': {
    meaning: 'The server implements the method of the request at no URL.',
    remedy: 'Use GET, HEAD, POST, DELETE or OPTIONS; OPTIONS lists the methods of a URL.',
    example: 'This server does not implement PROPFIND.',
  },
  'queue-full': {
    meaning:
      'The maximum number of jobs of this type is waiting. Nothing was accepted; the waiting jobs are not affected.',
    remedy: 'Wait as many seconds as `Retry-After` says, and send the same request again.',
    example: ({ name }) => queueFull(name),
  },
  'queue-unavailable': {
    meaning:
      'The queue cannot be reached at the moment. Nothing was accepted, unless `detail` says that the queue did not confirm the change in time. No accepted job is lost.',
    remedy:
      'Wait as many seconds as `Retry-After` says, and send the same request again, with the same `Idempotency-Key` if it had one.',
    example: QUEUE_UNAVAILABLE,
  },
  'service-unavailable': {
    meaning:
      'The server is overloaded, or a dependency other than the queue does not respond. The request was not carried out.',
    remedy: 'Wait as many seconds as `Retry-After` says, and send the same request again.',
    example: OVERLOADED,
  },
};

/** The error for an input without its last required field, or with an unknown one if it has none. */
export function missingField({ strictInput }: JobType): ServiceError {
  for (const input of [{}, { unknown: true }]) {
    const { error } = strictInput.safeParse(input);
    const last = error?.issues.at(-1);
    if (last !== undefined) return toInvalidInput([last]);
  }
  return toInvalidInput([]);
}
