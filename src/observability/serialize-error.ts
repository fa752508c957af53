/** Classes of SQLSTATE whose messages quote values: data, integrity, and what triggers raise (PostgreSQL's manual, appendix A). */
const ABOUT_DATA = /^(22|23|P0)...$/;

/**
 * What somebody else's code threw, such as a job's function: where and of which kind, and not its message, in which there may be
 * anything that the code worked on.
 */
export function serializeThrown(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  return {
    type: error.name,
    ...('code' in error && { code: error.code }),
    stack: framesOf(error),
    ...(error.cause !== undefined && { cause: serializeThrown(error.cause) }),
  };
}

/** A stack begins with the message, which may have any number of lines. */
function framesOf({ stack = '', message }: Error): string {
  const behind = stack.slice(Math.max(0, stack.indexOf(message)) + message.length);
  return behind
    .split('\n')
    .filter((line) => /^\s+at .+:\d+:\d+\)?$/.test(line))
    .join('\n');
}

/** Not an error's own fields: a store's errors carry the statement or the row, which hold customers' data. */
export function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  if ('code' in error && ABOUT_DATA.test(String(error.code))) return serializeThrown(error);
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && { code: error.code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}
