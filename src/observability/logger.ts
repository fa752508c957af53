import { type DestinationStream, type Logger as PinoLogger, destination, levels, pino, symbols } from 'pino';
import type { Logger } from '../core/ports.ts';
import { serializeError, serializeThrown, serializeWhole } from './serialize-error.ts';
import { createTerminal } from './terminal.ts';

/** Milliseconds for which a line is kept at most, while the thread is free. */
const FLUSH_MS = 20;
/** Characters from which the buffer is written. */
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
export function createLogger(level: string, { wholeErrors = false, format = 'auto' }: LoggerOptions = {}): Logger {
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
  if (output === undefined) return logger;
  const root = logger.isLevelEnabled('info') ? withPlainInfo(logger, output) : logger;
  output.root = root;
  return root;
}

/** What pino serializes in its own way. */
const SERIALIZED = ['err', 'thrown'] as const;

/**
 * Makes the lines at info, of which each request has one, and each job: the same as pino's, in a third of the time. Children are pino's own,
 * because their lines have the fields of all their parents.
 */
function withPlainInfo(logger: PinoLogger, output: BufferedOutput): Logger {
  const pinoInfo: Logger['info'] = logger.info.bind(logger);
  const info: Logger['info'] = (fields, msg) => {
    if (SERIALIZED.some((name) => name in fields)) pinoInfo(fields, msg);
    else output.add(`{"level":"info"${isoTime()},${JSON.stringify({ ...fields, msg }).slice(1)}\n`);
  };
  const child: Logger['child'] = (fields) => logger.child(fields);
  return Object.assign(Object.create(logger), { info, child });
}

let stdout: ReturnType<typeof openStdout> | undefined;

/** Standard output, buffered, because a write costs more than making a line; once for the process, whose end it listens for. */
function openStdout() {
  const opened = destination({ fd: 1, sync: true });
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (text === '') return;
    const written = text;
    text = '';
    opened.write(written);
  };
  process.once('exit', flush);
  return {
    flush,
    // pino's own buffer measures all that it has at each line.
    add(line: string): void {
      text += line;
      if (text.length >= MAX_LENGTH) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
  };
}

/**
 * Buffers lines. One that may be the last of the process is written at once: a warning or an error, and a line of a child logger, such as
 * that of a job's function, which may block the thread from then on.
 */
class BufferedOutput implements DestinationStream {
  /** Makes pino set `lastLevel` and `lastLogger` before each line. */
  readonly [symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  lastLogger: unknown;
  /** The root logger, whose children write at once. */
  root: unknown;

  write(line: string): void {
    this.add(line);
    if (this.lastLogger !== this.root || this.lastLevel >= WARN) stdout?.flush();
  }

  add(line: string): void {
    stdout ??= openStdout();
    stdout.add(line);
  }
}

let second = 0;
let secondField = '';

/** The same field as pino's, made anew only once a second but for its milliseconds. */
function isoTime(): string {
  const now = Date.now();
  const ms = now % 1000;
  if (now - ms !== second) {
    second = now - ms;
    secondField = `,"time":"${new Date(now).toISOString().slice(0, -4)}`;
  }
  return `${secondField}${String(ms).padStart(3, '0')}Z"`;
}
