import { type Logger as PinoLogger, destination, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';

/**
 * Writes to standard output: for people on a terminal, JSON lines otherwise.
 * @param level `silent` writes nothing
 */
export function createLogger(level: string): PinoLogger {
  const stream = process.stdout.isTTY
    ? pretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', sync: true })
    : destination({ fd: 1, sync: true });
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
    },
    stream,
  );
}

/** Not an error's own fields: a store's errors carry the statement or the row, which hold customers' data. */
function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && { code: error.code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}
