import type { ProblemName } from '../../core/errors.ts';

/** What the page of a problem type says. */
export interface ProblemExplanation {
  readonly meaning: string;
  /** What a client should do. */
  readonly remedy: string;
  /** The `detail` of one such problem. */
  readonly example: string;
}

/** A problem type without an explanation does not compile. */
export const PROBLEM_EXPLANATIONS: Readonly<Record<ProblemName, ProblemExplanation>> = {
  'invalid-input': {
    meaning:
      'The body, a query parameter or a header is not what the operation takes: a field is missing, unknown, or has a value that its schema refuses. Nothing was accepted.',
    remedy:
      'Read `errors`: each entry has a JSON Pointer to what is wrong, and says why. Mend the input and send it again; the same input will be refused again.',
    example: 'customername: Invalid input: expected string, received undefined',
  },
  'malformed-request': {
    meaning:
      'The request cannot be read: its body is no JSON, its URL is not encoded properly, or its Host is missing or no name of this server.',
    remedy:
      'Mend the client, or the proxy in front of it. Sending the same request again does not help. A server that is reached by a name needs the setting `PUBLIC_URL`.',
    example: 'What should be JSON is no valid JSON.',
  },
  unauthenticated: {
    meaning:
      'The server asks who its callers are, and the request does not say, or what it says is not true: its key or token is unknown, forged, expired, or for another job.',
    remedy:
      'Send an API key or a token that is valid now, as `Authorization: Bearer …`; for one job, the `accessToken` that its submission returned will do.',
    example: 'The token has expired.',
  },
  forbidden: {
    meaning: 'The caller is known, and its key or token does not go so far.',
    remedy: 'Use a key or a token with the scope that the detail names.',
    example: 'This needs the scope submit.',
  },
  'not-found': {
    meaning:
      'There is nothing at this URL: no such path, no such job, or no such resource. A finished job is forgotten at its `expiresAt`, and is then not found either.',
    remedy: 'Check the URL. For a job, use the URL that the reply to its submission has in `Location`.',
    example: 'There is no job with this id.',
  },
  'result-not-ready': {
    meaning: 'The job is there, and has no result yet: it waits, or runs.',
    remedy:
      'Wait as many seconds as `Retry-After` says, and ask again; or poll the job itself, which tells its progress.',
    example: 'The job is running; ask again later.',
  },
  'method-not-allowed': {
    meaning: 'There is something at this URL, but it does not have this method.',
    remedy: 'Use one of the methods in the `Allow` header of the reply.',
    example: 'PUT is not allowed here.',
  },
  'not-acceptable': {
    meaning: 'The `Accept` header of the request refuses every media type that this URL has.',
    remedy: 'Accept `application/json`, or, for the events of a job, `text/event-stream`.',
    example: 'This is available as application/json.',
  },
  'request-timeout': {
    meaning:
      'The request did not arrive in time: its head has 20 seconds, and the whole of it 30. Nothing was accepted.',
    remedy: 'Send it again, over a better connection, or send less at a time.',
    example: 'The request took too long to arrive',
  },
  'job-canceled': {
    meaning: 'The job was canceled before it had a result, and will not have one.',
    remedy: 'Submit the work again if it is still wanted, or retry the job with `POST /api/jobs/{id}/retry`.',
    example: 'JOB_CANCELED: The job was canceled.',
  },
  'not-cancelable': {
    meaning: 'The job is done: it has succeeded, failed or been canceled already.',
    remedy: 'Nothing is left to stop. Read the job to see how it ended.',
    example: 'The job has succeeded.',
  },
  'not-retryable': {
    meaning: 'Only a job that failed or was canceled can be retried; this one waits, runs, or has succeeded.',
    remedy: 'Follow the job, or submit new work.',
    example: 'The job is running.',
  },
  'too-large': {
    meaning: 'The body is larger than the server takes.',
    remedy: 'Send less at a time: several smaller jobs in the place of one.',
    example: 'Request body is too large',
  },
  'unsupported-media-type': {
    meaning: 'The body is in a media type that the operation does not take.',
    remedy: 'Send JSON, and say so: `Content-Type: application/json`.',
    example: 'Unsupported Media Type: text/plain',
  },
  'job-failed': {
    meaning:
      "The job was accepted, ran, and failed for good: its attempts are used up, or the failure is one that no further attempt would mend. The detail starts with the failure's code.",
    remedy:
      'Act on the code. If it is about the input, mend that and submit new work; if the cause has gone away, retry the job with `POST /api/jobs/{id}/retry`.',
    example: 'INVALID_PHONE: The phone number is none: give it with its country code, or with its country.',
  },
  'idempotency-key-reused': {
    meaning: 'The same caller has already used this `Idempotency-Key` for another input of the same job type.',
    remedy: 'Use a new key for new work. Repeat a key only with the very same input, as when a reply was lost.',
    example: 'This key was used for another input.',
  },
  'rate-limited': {
    meaning: 'The caller has sent more requests than it may in this time. The request was not looked at.',
    remedy:
      'Wait as many seconds as `Retry-After` says. `RateLimit-Policy` tells how many requests there may be in which time, and `RateLimit` how many are left.',
    example: 'No more than 100 requests in 1 s; try again later.',
  },
  'header-too-large': {
    meaning: 'The URL and the header fields of the request are together larger than 16 KiB, or more than 100 fields.',
    remedy: 'Send fewer or shorter header fields and cookies, and what is long in the body.',
    example: 'The head of the request is too large',
  },
  'internal-error': {
    meaning: 'Something unexpected happened here. The reply does not say what; the log of the server does.',
    remedy: 'Try again later. If it stays, report the `errorId` of the reply to whoever runs the server.',
    example: 'The cause has been logged under the id that this reply carries.',
  },
  'not-implemented': {
    meaning: 'Nothing on this server has the method of the request.',
    remedy: 'Use GET, HEAD, POST, DELETE or OPTIONS; OPTIONS tells which of them a URL has.',
    example: 'Nothing here has the method PROPFIND.',
  },
  'queue-full': {
    meaning: 'As many jobs of this type wait as may. Nothing was accepted; those that wait are done all the same.',
    remedy: 'Wait as many seconds as `Retry-After` says, and send the same request again.',
    example: 'Too many jobs of the type customer are waiting; try again later.',
  },
  'queue-unavailable': {
    meaning: 'The queue cannot be reached at the moment. Nothing was accepted, and nothing that was accepted is lost.',
    remedy:
      'Wait as many seconds as `Retry-After` says, and send the same request again, with the same `Idempotency-Key` if it had one.',
    example: 'The queue cannot be reached; try again later.',
  },
  'service-unavailable': {
    meaning:
      'The server has more to do than it can, or something that it needs beside the queue does not answer. The request was not carried out.',
    remedy: 'Wait as many seconds as `Retry-After` says, and send the same request again.',
    example: 'The server is busy; try again later.',
  },
};
