import { type Logger as PinoLogger, destination, pino, stdTimeFunctions } from 'pino';
import { serializeError, serializeThrown } from './serialize-error.ts';
import { createTerminal } from './terminal.ts';

/**
 * Writes to standard output: for people on a terminal, JSON lines otherwise.
 * @param level `silent` writes nothing
 */
export function createLogger(level: string): PinoLogger {
  const stream = process.stdout.isTTY ? createTerminal() : destination({ fd: 1, sync: true });
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, thrown: serializeThrown },
    },
    stream,
  );
}
