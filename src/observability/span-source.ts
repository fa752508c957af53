import { ROOT_CONTEXT, SamplingDecision, trace } from '@opentelemetry/api';
import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { NAME } from './otel-tracer.ts';
import type { AttributeValue, SpanSource } from './span-encoder.ts';
import { DECIDED } from './trace-sampler.ts';

type Processor = NonNullable<NodeSDKConfiguration['spanProcessors']>[number];
type SdkSpan = Parameters<Processor['onStart']>[0];

/** Reads what the SDK has found out about this process: its spans have it. */
export async function readSource(): Promise<SpanSource> {
  // It never ends, so it is never sent.
  const around = ROOT_CONTEXT.setValue(DECIDED, SamplingDecision.RECORD);
  // The SDK is ours, and passes what it makes to processors, as this type.
  const { resource } = trace.getTracer(NAME).startSpan('probe', undefined, around) as SdkSpan;
  await resource.waitForAsyncAttributes?.();
  const attributes = Object.entries(resource.attributes).map(([key, value]) => [key, toSimple(value)]);
  return { resource: Object.fromEntries(attributes), scope: NAME };
}

function toSimple(value: unknown): AttributeValue {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}
