/** What records traces in this process: an OpenTelemetry SDK, of another program or our own. */
import { type DiagLogger, context, diag, propagation, trace } from '@opentelemetry/api';
import type * as SdkNode from '@opentelemetry/sdk-node';
import { settlesWithin } from '../core/deadline.ts';
import type { Logger } from '../core/ports.ts';
import { StartError } from '../core/start-error.ts';
import type { Tracer } from '../core/tracer.ts';
import { createSendLog, createStartLog } from './trace-log.ts';
import type { TraceConfig } from './trace-settings.ts';
import { traceFetches } from './trace-fetch.ts';
import { createOwnTracer, createTracer, isRecorded } from './otel-tracer.ts';
import { idGenerator } from './trace-ids.ts';
import { createSampler } from './trace-sampler.ts';

/** The longest wait at shutdown for the last spans to be sent, in milliseconds. */
const FLUSH_MS = 2000;
const PACKAGE = '@opentelemetry/sdk-node';

export interface Traces {
  /** Undefined where nothing records traces. */
  readonly tracer: Tracer | undefined;
  /** Sends what is left, unless that takes too long. */
  close(): Promise<void>;
}

/** The SDK that this process started, and how many apps use it. */
let own: { readonly sdk: Promise<Sdk>; users: number } | undefined;

interface Sdk {
  readonly tracer: Tracer;
  close(): Promise<void>;
}

/**
 * Uses the SDK that is registered with OpenTelemetry's API, such as that of the program around this one, or starts one.
 * @param config undefined: no SDK is loaded
 * @throws StartError, which names the setting, where the package of the SDK is not installed
 */
export async function openTraces(config: TraceConfig | undefined, logger: Logger): Promise<Traces> {
  if (own === undefined) {
    if (isRecorded()) return { tracer: createTracer(), close: async () => undefined };
    if (config === undefined) return { tracer: undefined, close: async () => undefined };
    own = { sdk: startSdk(config, logger), users: 0 };
  }
  const used = own;
  used.users += 1;
  const close = async (): Promise<void> => {
    used.users -= 1;
    if (used.users > 0) return;
    if (own === used) own = undefined;
    await (await used.sdk).close();
  };
  try {
    const { tracer } = await used.sdk;
    return { tracer, close };
  } catch (error) {
    own = undefined;
    throw error;
  }
}

async function startSdk(config: TraceConfig, logger: Logger): Promise<Sdk> {
  const { setting, serviceName } = config;
  const { NodeSDK } = await loadSdk(setting);
  const sampler = createSampler(config);
  const log = createStartLog(logger);
  setLog(log);
  // Traces alone: metrics are scraped, and the log is on standard output.
  const sdk = new NodeSDK({
    metricReaders: [],
    logRecordProcessors: [],
    sampler,
    idGenerator,
    ...(serviceName && { serviceName }),
  });
  // Where OTEL_LOG_LEVEL is set, the SDK has replaced it by the console.
  setLog(log);
  sdk.start();
  const sendLog = createSendLog(logger);
  setLog(sendLog);
  const endFetches = traceFetches();
  return {
    tracer: createOwnTracer(sampler),
    async close() {
      endFetches();
      try {
        if (!(await settlesWithin(sdk.shutdown(), FLUSH_MS))) sendLog.warn('the last spans were not sent in time');
      } catch (error) {
        sendLog.warn(String(error));
      }
      // So that a later app of this process can start another.
      for (const api of [trace, context, propagation, diag]) api.disable();
    },
  };
}

function setLog(log: DiagLogger): void {
  diag.setLogger(log, { suppressOverrideMessage: true });
}

async function loadSdk(setting: string): Promise<Pick<typeof SdkNode, 'NodeSDK'>> {
  try {
    return await import('@opentelemetry/sdk-node');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw error;
    throw new StartError(`${setting}: traces need the package ${PACKAGE}; run npm install ${PACKAGE}`, {
      cause: error,
    });
  }
}
