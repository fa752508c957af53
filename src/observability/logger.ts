import { type DestinationStream, type Logger as PinoLogger, destination, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';

/**
 * Writes to standard output: for people on a terminal, JSON lines otherwise.
 * @param level `silent` writes nothing
 */
export function createLogger(level: string): PinoLogger {
  const stream = process.stdout.isTTY ? terminal() : destination({ fd: 1, sync: true });
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

function terminal(): DestinationStream {
  const stream = pretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', sync: true });
  return { write: (line) => void stream.write(showControls(line)) };
}

/** Escapes, and the control characters that JSON leaves as they are. */
const ESCAPES = /\\(?:u00[01][\da-f]|.)|[\u007f-\u009f]/g;
/** Line breaks and tabs are what they seem, and so are escapes of nothing that controls. */
const HARMLESS = /^\\[^bfr]$/;

/**
 * Shows control characters in a line of JSON instead of letting a terminal obey them: a text of callers may be in an error's
 * message.
 */
export function showControls(line: string): string {
  return line.replaceAll(ESCAPES, (found) => {
    if (HARMLESS.test(found)) return found;
    return found.startsWith('\\') ? `\\${found}` : `\\\\u00${found.charCodeAt(0).toString(16)}`;
  });
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
