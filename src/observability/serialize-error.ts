import { inspect } from 'node:util';

/** Classes of SQLSTATE whose messages may quote values: data exceptions, integrity violations, and errors raised by triggers (PostgreSQL's manual, appendix A). */
const ABOUT_DATA = /^(22|23|P0)...$/;

/**
 * An error thrown by code of others, such as a job's function: its type and stack without the message, which may contain any data
 * that the code worked on.
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

/** Removes the message, which may have any number of lines, from the start of a stack. */
function framesOf({ stack = '', message }: Error): string {
  const behind = stack.slice(Math.max(0, stack.indexOf(message)) + message.length);
  return behind
    .split('\n')
    .filter((line) => /^\s+at .+:\d+:\d+\)?$/.test(line))
    .join('\n');
}

/** Leaves out an error's other fields: a store's errors have the statement or the row, with personal data. */
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

/** All of what was thrown, for a log that may contain any data. */
export function serializeWhole(thrown: unknown): object {
  if (!(thrown instanceof Error)) return { type: typeof thrown, value: inspect(thrown) };
  return {
    type: thrown.name,
    message: thrown.message,
    ...('code' in thrown && { code: thrown.code }),
    stack: thrown.stack,
    ...(thrown.cause !== undefined && { cause: serializeWhole(thrown.cause) }),
    ...(thrown instanceof AggregateError && { errors: thrown.errors.map(serializeWhole) }),
  };
}
