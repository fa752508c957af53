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
    { level, base: null, timestamp: stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    stream,
  );
}
