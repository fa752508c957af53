/** Node's codes for a server that can't be reached, or not now. */
const SYSTEM = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** Connection exceptions, too few resources, an operator's intervention (PostgreSQL's manual, appendix A). */
const SQLSTATE = /^(08|53|57)...$/;
/** What the drivers say without a code. */
const MESSAGE =
  /timeout|timed out|terminated|connection is closed|max retries per request|isn't writeable|loading the dataset/i;

/** Whether a store could not be reached, so that another try may succeed. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && (SYSTEM.has(error.code) || SQLSTATE.test(error.code))) {
    return true;
  }
  if (error instanceof AggregateError && error.errors.some(isConnectionError)) return true;
  return MESSAGE.test(error.message) || isConnectionError(error.cause);
}
