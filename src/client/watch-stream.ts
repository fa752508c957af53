import { createConnection } from './connection.ts';
import { ProblemError, parseJson } from './errors.ts';
import { type ServerSentEvent, readEvents } from './event-stream.ts';
import { type Job, isJob } from './job.ts';
import { createBackoff } from './retry.ts';
import { type Transport, isTransient } from './transport.ts';

/** Consecutive network failures before the client falls back to polls, which can pass where streams cannot. */
const MAX_FAILURES = 5;

export interface WatchStreamOptions {
  /** Path of the job's event stream. */
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  /** Seconds without a byte after which a stream counts as broken. */
  readonly silenceSeconds: number;
}

/** How one connection ended. */
type Ending =
  | { readonly kind: 'done' }
  /** No event stream can be read. */
  | { readonly kind: 'unavailable' }
  | {
      readonly kind: 'broken';
      readonly error: unknown;
      /** Whether any data arrived. */
      readonly received: boolean;
      /** The server's `Retry-After`. */
      readonly waitSeconds: number | undefined;
    };

/** The state that the next connection resumes from. */
interface Position {
  lastEventId: string;
  /** Seconds to wait before a reconnection, set by the stream's `retry` field. */
  reconnectSeconds: number;
}

/**
 * Yields a job's states from its event stream, from the current one to the final one. A stream that breaks is reopened and resumes
 * after the last event (WHATWG HTML, section 9.2.4, "Last-Event-ID").
 * It returns before the final state if no event stream can be read, because the server has none or a proxy does not let it through.
 * @throws the error of `fetch` or a ProblemError when attempts fail for `retryForSeconds`; the signal's reason
 */
export async function* watchStream(transport: Transport, options: WatchStreamOptions): AsyncGenerator<Job, void> {
  const backoff = createBackoff({ retryForSeconds: transport.retryForSeconds, signal: options.signal });
  const position: Position = { lastEventId: '', reconnectSeconds: 0 };
  let failures = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const ending = yield* readStream(transport, options, position);
    if (ending.kind !== 'broken') return;
    if (ending.received) {
      backoff.reset();
      failures = 0;
    } else if (ending.waitSeconds === undefined) {
      failures += 1;
      if (failures === MAX_FAILURES) return;
    }
    await backoff.wait(ending.error, ending.waitSeconds ?? position.reconnectSeconds);
  }
}

/** Yields the states that one connection delivers. The connection is closed at the end, also if the consumer stops early. */
async function* readStream(
  transport: Transport,
  { path, signal, silenceSeconds }: WatchStreamOptions,
  position: Position,
): AsyncGenerator<Job, Ending> {
  const { lastEventId } = position;
  const connection = createConnection(signal, silenceSeconds);
  try {
    const headers = { Accept: 'text/event-stream', ...(lastEventId && { 'Last-Event-ID': lastEventId }) };
    const response = await transport.open(path, headers, connection.signal);
    if (!isEventStream(response)) {
      if (!isTransient(response.status)) return { kind: 'unavailable' };
      const error = new ProblemError(response, await response.text());
      return { kind: 'broken', error, received: false, waitSeconds: error.retryAfter };
    }
    for await (const event of readEvents(response.body, connection.markReceived)) {
      // A server may have other events.
      if (event.type !== 'message') continue;
      const job = toJob(event);
      if (job === undefined) return { kind: 'unavailable' };
      position.lastEventId = event.lastEventId;
      position.reconnectSeconds = (event.reconnectionTime ?? 0) / 1000;
      yield job;
      if (job.done) return { kind: 'done' };
    }
    const error = new Error('The event stream ended early.');
    return connection.hasReceived()
      ? { kind: 'broken', error, received: true, waitSeconds: undefined }
      : { kind: 'unavailable' };
  } catch (error) {
    signal?.throwIfAborted();
    const received = connection.hasReceived();
    if (connection.hasTimedOut() && !received) return { kind: 'unavailable' };
    return { kind: 'broken', error, received, waitSeconds: undefined };
  } finally {
    connection.close();
  }
}

/** Some `fetch` implementations provide no readable body. */
function isEventStream(response: Response): response is Response & { readonly body: NonNullable<Response['body']> } {
  const type = response.headers.get('Content-Type') ?? '';
  return response.status === 200 && /^text\/event-stream\s*(;|$)/i.test(type) && response.body !== null;
}

/** Undefined for an event that is not the state of a job. */
function toJob({ data }: ServerSentEvent): Job | undefined {
  const state = parseJson(data);
  return isJob(state) ? state : undefined;
}
