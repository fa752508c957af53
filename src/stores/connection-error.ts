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
/**
 * Connection exceptions, too few resources, an operator's intervention, an error of the system, a server that became read-only, a
 * lock that was not to be had, a deadlock (PostgreSQL's manual, appendix A).
 */
const SQLSTATE = /^((08|53|57|58)...|25006|55P03|40P01)$/;
/** Redis is there, and can't do it now: what its replies begin with. */
const REPLY =
  /^(LATE|OOM|MISCONF|READONLY|LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|TRYAGAIN|NOGOODSLAVE|UNBLOCKED)\b/;
/** What the drivers say without a code. */
const MESSAGE =
  /timeout|timed out|terminated|connection is closed|max retries per request|isn't (writeable|ready)|slots cache|startup nodes|sentinels are unreachable|too many cluster redirections/i;

/** What the drivers say when a connection ends, and while there is none yet. */
const LOST = /connection is closed|connection terminated|max retries per request|isn't (writeable|ready)/i;

/** Whether a connection ended before its answer came: then nobody knows what came of the question. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === '57P01' || LOST.test(error.message);
}

/** Whether a store could not be reached, or could not do it now, so that another try may succeed. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && (SYSTEM.has(error.code) || SQLSTATE.test(error.code))) {
    return true;
  }
  if (error instanceof AggregateError && error.errors.some(isConnectionError)) return true;
  return REPLY.test(error.message) || MESSAGE.test(error.message) || isConnectionError(error.cause);
}
