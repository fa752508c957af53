import { diag } from '@opentelemetry/api';
import type { OtlpSettings } from './otlp-sender.ts';
import type { QueueLimits } from './span-queue.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What only the SDK's own exporter and spans do. */
const OF_SDK =
  /^OTEL_(EXPORTER_OTLP_(TRACES_)?(CERTIFICATE|CLIENT_KEY|CLIENT_CERTIFICATE)|(SPAN_|EVENT_|LINK_)?[A-Z_]*LIMIT)$/;

/**
 * How spans are sent, by the variables that OpenTelemetry's specification defines for its exporters and its batch processor.
 * @returns undefined where the SDK has to send them: by another protocol, to several receivers, or with further settings
 */
export function readOtlp(
  environment: Environment,
): { readonly otlp: OtlpSettings; readonly limits: QueueLimits } | undefined {
  const get = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const ofTraces = (name: string): string | undefined =>
    get(`OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? get(`OTEL_EXPORTER_OTLP_${name}`);
  const isSet = Object.keys(environment).some((name) => OF_SDK.test(name) && get(name) !== undefined);
  const exporter = get('OTEL_TRACES_EXPORTER') ?? 'otlp';
  if (isSet || exporter !== 'otlp' || (ofTraces('PROTOCOL') ?? PROTOCOL) !== PROTOCOL) return undefined;

  const positive = (name: string, standard: number): number => {
    const value = get(name);
    if (value === undefined) return standard;
    if (Number(value) > 0) return Number(value);
    diag.warn(`${name} (${value}) is invalid, expected a number greater than 0`);
    return standard;
  };
  const url =
    get('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ??
    `${(get('OTEL_EXPORTER_OTLP_ENDPOINT') ?? LOCAL).replace(/\/$/, '')}/v1/traces`;
  const waiting = positive('OTEL_BSP_MAX_QUEUE_SIZE', 2048);
  return {
    otlp: {
      url,
      headers: {
        ...toHeaders(get('OTEL_EXPORTER_OTLP_HEADERS')),
        ...toHeaders(get('OTEL_EXPORTER_OTLP_TRACES_HEADERS')),
      },
      timeoutMs: positive('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', positive('OTEL_EXPORTER_OTLP_TIMEOUT', 10_000)),
      isCompressed: ofTraces('COMPRESSION') === 'gzip',
    },
    limits: {
      waiting,
      batch: Math.min(waiting, positive('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
      delayMs: positive('OTEL_BSP_SCHEDULE_DELAY', 5000),
      sendMs: positive('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    },
  };
}

const PROTOCOL = 'http/protobuf';
const LOCAL = 'http://localhost:4318';

/** A list as in the header `Baggage`: `key=value`, percent-encoded, separated by commas. What is invalid counts as absent. */
function toHeaders(list = ''): Record<string, string> {
  const pairs = list.split(',').flatMap((pair) => {
    const [, key = '', value = ''] = /^\s*([^=;]+?)\s*=\s*([^;]*?)\s*(;|$)/.exec(pair) ?? [];
    try {
      return value === '' ? [] : [[decodeURIComponent(key), decodeURIComponent(value)]];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(pairs);
}
