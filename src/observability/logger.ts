import { type DestinationStream, type Logger as PinoLogger, destination, levels, pino, symbols } from 'pino';
import { serializeError, serializeThrown, serializeWhole } from './serialize-error.ts';
import { createTerminal } from './terminal.ts';

/** Milliseconds for which a line is kept at most, while the thread is free. */
const FLUSH_MS = 20;
/** Characters from which the buffer is written; pino writes at most 16 KiB at a time. */
const MAX_LENGTH = 16_000;
const WARN = Number(levels.values['warn']);

export interface LoggerOptions {
  /** Whether errors that code of others threw are logged with their messages, which may contain personal data. */
  readonly wholeErrors?: boolean;
  /**
   * `pretty`: lines for people.
   * @default `auto`: pretty on a terminal
   */
  readonly format?: 'json' | 'pretty' | 'auto';
}

/**
 * Writes to standard output.
 * @param level `silent` writes nothing
 */
export function createLogger(level: string, { wholeErrors = false, format = 'auto' }: LoggerOptions = {}): PinoLogger {
  const output = format === 'pretty' || (format === 'auto' && process.stdout.isTTY) ? undefined : new BufferedOutput();
  const logger = pino(
    {
      level,
      base: null,
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, thrown: wholeErrors ? serializeWhole : serializeThrown },
    },
    output ?? createTerminal(),
  );
  if (output) output.root = logger;
  return logger;
}

let stdout: ReturnType<typeof destination> | undefined;

/** pino's buffered output, once for the process: each has a timer, and a listener for the end of the process. */
function openStdout(): ReturnType<typeof destination> {
  if (stdout !== undefined) return stdout;
  const opened = destination({ fd: 1, sync: true, minLength: MAX_LENGTH, periodicFlush: FLUSH_MS });
  process.once('exit', () => opened.flushSync());
  stdout = opened;
  return opened;
}

/**
 * Buffers lines, because a write costs more than making a line. A line that may be the last of the process is written at once: a
 * warning or an error, and a line of a child logger, such as that of a job's function, which may block the thread from then on.
 */
class BufferedOutput implements DestinationStream {
  /** Makes pino set `lastLevel` and `lastLogger` before each line. */
  readonly [symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  lastLogger: unknown;
  /** The root logger, whose children write at once. */
  root: unknown;

  write(line: string): void {
    const output = openStdout();
    output.write(line);
    if (this.lastLogger !== this.root || this.lastLevel >= WARN) output.flushSync();
  }
}

let timeMs = 0;
let timeField = '';

/** The same field as pino's, but made only once a millisecond. */
function isoTime(): string {
  const now = Date.now();
  if (now !== timeMs) {
    timeMs = now;
    timeField = `,"time":"${new Date(now).toISOString()}"`;
  }
  return timeField;
}
