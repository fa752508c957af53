/** Node's codes for a server that cannot be reached. */
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
 * Connection exceptions, insufficient resources, operator intervention, system errors, a server that became read-only, a lock that
 * is not available, a deadlock (PostgreSQL's manual, appendix A).
 */
const SQLSTATE = /^((08|53|57|58)...|25006|55P03|40P01)$/;
/** How replies of Redis begin when it is there but cannot run the command now. */
const REPLY =
  /^(LATE|OOM|MISCONF|READONLY|LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|TRYAGAIN|NOGOODSLAVE|UNBLOCKED)\b/;
/** Messages of the drivers' errors that have no code. */
const MESSAGE =
  /timeout|timed out|terminated|connection is closed|max retries per request|isn't (writeable|ready)|slots cache|startup nodes|sentinels are unreachable|too many cluster redirections/i;

/** Codes for a connection that ended: Node's, and SQLSTATEs of connection exceptions and of a server that shuts down or crashed. */
const LOST_CODE = /^(ECONNRESET|EPIPE|08...|57P0[12])$/;
/** Messages of the drivers' errors for the same. */
const LOST = /connection is closed|connection terminated|max retries per request/i;
/** The same for one that is not open yet. */
const NOT_OPEN = /isn't (writeable|ready)/i;

/** Whether a connection ended before the answer arrived, so that the command may or may not have been run. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return LOST.test(error.message) || ('code' in error && LOST_CODE.test(String(error.code)));
}

/** Whether a connection was not open, so that the command was not sent. */
export function isNotOpen(error: unknown): boolean {
  return error instanceof Error && NOT_OPEN.test(error.message);
}

/** Whether a store could not be reached or is temporarily unable to run a command, so that another try may succeed. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && (SYSTEM.has(error.code) || SQLSTATE.test(error.code))) {
    return true;
  }
  if (error instanceof AggregateError && error.errors.some(isConnectionError)) return true;
  return REPLY.test(error.message) || MESSAGE.test(error.message) || isConnectionError(error.cause);
}
