import type { DiagLogger } from '@opentelemetry/api';
import { z } from 'zod';
import type { Logger } from '../core/ports.ts';

/** The SDK reports each batch that it could not send. After so many milliseconds without such a report, the next one is logged again. */
const QUIET_MS = 300_000;
const MAX_REASON_LENGTH = 300;

const errorSchema = z.object({ message: z.string() });

/** Logs what the SDK says of its settings. */
export function createStartLog(logger: Logger): DiagLogger {
  return toDiagLogger((reason) => logger.warn({ reason }, 'OpenTelemetry does not understand a setting'));
}

/** Logs what the SDK says while it sends, once for each outage of what it sends to. */
export function createSendLog(logger: Logger): DiagLogger {
  let reportedAt = -Infinity;
  return toDiagLogger((reason) => {
    const isKnown = performance.now() - reportedAt < QUIET_MS;
    reportedAt = performance.now();
    if (!isKnown) logger.warn({ reason }, 'traces cannot be sent, and some are lost');
  });
}

const ignore = (): void => undefined;

function toDiagLogger(log: (reason: string) => void): DiagLogger {
  const report = (text: string): void => log(toMessage(text).slice(0, MAX_REASON_LENGTH));
  return { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore };
}

/** The SDK's errors are JSON, with a stack. */
function toMessage(text: string): string {
  try {
    return errorSchema.parse(JSON.parse(text)).message;
  } catch {
    return text;
  }
}
