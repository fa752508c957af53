import { type Logger as PinoLogger, destination, pino, stdTimeFunctions } from 'pino';
import { LineBuffer } from './line-buffer.ts';
import { serializeError, serializeThrown } from './serialize-error.ts';
import { createTerminal } from './terminal.ts';

/**
 * Writes to standard output: for people on a terminal, JSON lines otherwise.
 * @param level `silent` writes nothing
 */
export function createLogger(level: string): PinoLogger {
  const buffer = new LineBuffer(destination({ fd: 1, sync: true }));
  const stream = process.stdout.isTTY ? createTerminal() : buffer;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, thrown: serializeThrown },
    },
    stream,
  );
  buffer.keptLogger = logger;
  return logger;
}
