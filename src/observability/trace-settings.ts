import { z } from 'zod';
import { StartError } from '../core/start-error.ts';

const url = z.url({ protocol: /^https?$/, error: 'expected a URL that starts with http:// or https://' }).optional();

const oneOf = (values: readonly string[]) => z.enum(values, `expected ${values.join(', ')}`).optional();

const EXPORTER = /^(otlp|console|zipkin|none)$/;

/**
 * The settings of traces that are checked here. The OpenTelemetry SDK reads them, and others, from the environment, and only warns of those
 * that it does not understand.
 */
export const traceSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url,
  OTEL_TRACES_EXPORTER: z
    .string()
    .refine(
      (value) => value.split(',').every((name) => EXPORTER.test(name.trim())),
      'expected otlp, console, zipkin or none, or several, separated by commas',
    )
    .optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: oneOf(['http/protobuf', 'http/json', 'grpc']),
  OTEL_TRACES_SAMPLER: oneOf([
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
  ]),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .refine((value) => Number(value) >= 0 && Number(value) <= 1, 'expected a number from 0 to 1')
    .optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_RESOURCE_ATTRIBUTES: z.string().optional(),
  OTEL_SDK_DISABLED: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['true', 'false'], 'expected true or false'))
    .optional(),
};

const traceSettingsSchema = z.object(traceSettings);
export type TraceSettings = z.output<typeof traceSettingsSchema>;

/** Names that turn traces on, in the order in which they are reported. */
const SWITCHES = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_TRACES_EXPORTER'] as const;

export interface TraceConfig {
  /** The name of the setting that turns traces on. */
  readonly setting: string;
  /** Undefined: the SDK reads it from the environment. */
  readonly serviceName: string | undefined;
  readonly sampler: TraceSettings['OTEL_TRACES_SAMPLER'];
  readonly samplerArgument: TraceSettings['OTEL_TRACES_SAMPLER_ARG'];
}

/** Undefined: traces are off. */
export function readTraces(settings: TraceSettings): TraceConfig | undefined {
  if (settings.OTEL_SDK_DISABLED === 'true' || settings.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const setting = SWITCHES.find((name) => settings[name] !== undefined);
  if (setting === undefined) return undefined;
  const { OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES = '' } = settings;
  const isNamed = OTEL_SERVICE_NAME !== undefined || /(^|,)\s*service\.name=/.test(OTEL_RESOURCE_ATTRIBUTES);
  return {
    setting,
    serviceName: isNamed ? undefined : 'accepted',
    sampler: settings.OTEL_TRACES_SAMPLER,
    samplerArgument: settings.OTEL_TRACES_SAMPLER_ARG,
  };
}

/** @throws StartError for settings that another program passes, where the SDK would not read them */
export function refuseTraceSettings(settings: Readonly<Record<string, string>>): void {
  const name = Object.keys(settings).find((each) => each.startsWith('OTEL_'));
  if (name === undefined) return;
  throw new StartError(`${name}: set it in the environment; the OpenTelemetry SDK reads nothing else`);
}
