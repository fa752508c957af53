import { ROOT_CONTEXT, SamplingDecision, context, diag } from '@opentelemetry/api';
import { withDeadline } from '../core/deadline.ts';
import type { OtlpSender } from './otlp-sender.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import { DECIDED } from './trace-sampler.ts';
import { type EndedSpan, type SpanSource, toRequest, writeSpan } from './span-encoder.ts';

/** Of OpenTelemetry's batch processor. */
export interface QueueLimits {
  /** Spans of one request. */
  readonly batch: number;
  /** Spans that wait; those beyond are dropped. */
  readonly waiting: number;
  /** How long a span may wait for others. */
  readonly delayMs: number;
  /** How long a batch may be sent, retries included. */
  readonly sendMs: number;
}

export interface SpanQueue {
  add(span: EndedSpan): void;
  /** Sends what is there, and nothing after. */
  close(): Promise<void>;
}

interface Batch {
  readonly spans: Buffer;
  readonly count: number;
}

/** Writes spans when they end, and sends them in batches, one after the other. */
export function createSpanQueue(source: Promise<SpanSource>, sender: OtlpSender, limits: QueueLimits): SpanQueue {
  const writer = new ProtobufWriter();
  const ready: Batch[] = [];
  /** Spans that the writer has, and those of the batches that are ready. */
  let written = 0;
  let waiting = 0;
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;
  // The requests that send traces would lead to further ones.
  const unrecorded = ROOT_CONTEXT.setValue(DECIDED, SamplingDecision.NOT_RECORD);

  function seal(): void {
    clearTimeout(timer);
    timer = undefined;
    if (written === 0) return;
    ready.push({ spans: writer.take(), count: written });
    waiting += written;
    written = 0;
    sending ??= context.with(unrecorded, sendAll).finally(() => (sending = undefined));
  }

  async function sendAll(): Promise<void> {
    for (let batch = ready.shift(); batch !== undefined; batch = ready.shift()) {
      try {
        await withDeadline(sender.send(toRequest(await source, batch.spans)), limits.sendMs);
      } catch (error) {
        diag.error(error instanceof Error ? error.message : String(error));
      }
      waiting -= batch.count;
    }
  }

  return {
    add(span) {
      if (isClosed) return;
      if (waiting + written >= limits.waiting) {
        dropped += 1;
        return;
      }
      if (dropped > 0) diag.warn(`${dropped} spans were dropped, because ${limits.waiting} waited`);
      dropped = 0;
      writeSpan(writer, span);
      written += 1;
      if (written >= limits.batch) seal();
      else timer ??= setTimeout(seal, limits.delayMs).unref();
    },
    async close() {
      isClosed = true;
      seal();
      await sending;
      sender.close();
    },
  };
}
