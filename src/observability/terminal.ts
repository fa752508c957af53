import type { DestinationStream } from 'pino';
import pretty from 'pino-pretty';

/** Writes readable lines to a terminal. */
export function createTerminal(): DestinationStream {
  const stream = pretty({
    colorize: process.stdout.isTTY,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
    sync: true,
  });
  return { write: (line) => void stream.write(showControls(line)) };
}

/** Escapes, and the control characters that JSON does not escape. */
const ESCAPES = /\\(?:u00[01][\da-f]|.)|[\u007f-\u009f]/g;
/** Line breaks, tabs, and escapes of characters that do not control a terminal. */
const HARMLESS = /^\\[^bfr]$/;

/**
 * Shows control characters in a line of JSON as text, so that a terminal does not execute them: an error's message may contain
 * text of callers.
 */
export function showControls(line: string): string {
  return line.replaceAll(ESCAPES, (found) => {
    if (HARMLESS.test(found)) return found;
    return found.startsWith('\\') ? `\\${found}` : `\\\\u00${found.charCodeAt(0).toString(16)}`;
  });
}
