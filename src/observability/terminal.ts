import type { DestinationStream } from 'pino';
import pretty from 'pino-pretty';

/** Writes for people. */
export function createTerminal(): DestinationStream {
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
