import { type Logger as PinoLogger, destination, pino } from 'pino';
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
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, thrown: serializeThrown },
    },
    stream,
  );
  buffer.keptLogger = logger;
  return logger;
}

let timeMs = 0;
let timeField = '';

/** As pino's own, but made once for all lines of a millisecond. */
function isoTime(): string {
  const now = Date.now();
  if (now !== timeMs) {
    timeMs = now;
    timeField = `,"time":"${new Date(now).toISOString()}"`;
  }
  return timeField;
}
