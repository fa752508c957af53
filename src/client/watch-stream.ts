import { createConnection } from './connection.ts';
import { ProblemError } from './errors.ts';
import { type ServerSentEvent, readEvents } from './event-stream.ts';
import { type Job, isJob } from './job.ts';
import { createPatience } from './retry.ts';
import { type Transport, isPassing } from './transport.ts';

/** So often in a row the network may fail before polls, which get through where streams do not, are left to try. */
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
  /** There is no event stream to be had. */
  | { readonly kind: 'unavailable' }
  | {
      readonly kind: 'broken';
      readonly error: unknown;
      /** Whether the server had been heard. */
      readonly heard: boolean;
      /** What the server asked to wait. */
      readonly waitSeconds: number | undefined;
    };

/** Where to go on. */
interface Position {
  lastEventId: string;
  /** Seconds that the stream asked to wait before it is opened again. */
  reconnectSeconds: number;
}

/**
 * A job's states as the server pushes them, from the present one to the final one. A stream that breaks is opened again,
 * and goes on where it was (WHATWG HTML, section 9.2.4, "Last-Event-ID").
 * Ends before the final state where there is no event stream to be had, because the server has none, or because what stands
 * between lets nothing of it through.
 * @throws the network's error, or a ProblemError, when tries have failed for too long; the signal's reason
 */
export async function* watchStream(transport: Transport, options: WatchStreamOptions): AsyncGenerator<Job, void> {
  const patience = createPatience({ retryForSeconds: transport.retryForSeconds, signal: options.signal });
  const position: Position = { lastEventId: '', reconnectSeconds: 0 };
  let failures = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const ending = yield* readStream(transport, options, position);
    if (ending.kind !== 'broken') return;
    if (ending.heard) {
      patience.reset();
      failures = 0;
    } else if (ending.waitSeconds === undefined) {
      failures += 1;
      if (failures === MAX_FAILURES) return;
    }
    await patience.wait(ending.error, ending.waitSeconds ?? position.reconnectSeconds);
  }
}

/** What comes by one connection. It is closed when this ends, also when the reader of the states breaks off. */
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
      if (!isPassing(response.status)) return { kind: 'unavailable' };
      const error = new ProblemError(response, await response.text());
      return { kind: 'broken', error, heard: false, waitSeconds: error.retryAfter };
    }
    for await (const event of readEvents(response.body, connection.heard)) {
      const job = toJob(event);
      if (job === undefined) return { kind: 'unavailable' };
      position.lastEventId = event.lastEventId;
      position.reconnectSeconds = (event.reconnectionTime ?? 0) / 1000;
      yield job;
      if (job.done) return { kind: 'done' };
    }
    const error = new Error('The event stream ended before the job did.');
    return connection.wasHeard()
      ? { kind: 'broken', error, heard: true, waitSeconds: undefined }
      : { kind: 'unavailable' };
  } catch (error) {
    signal?.throwIfAborted();
    const heard = connection.wasHeard();
    if (connection.wasSilent() && !heard) return { kind: 'unavailable' };
    return { kind: 'broken', error, heard, waitSeconds: undefined };
  } finally {
    connection.close();
  }
}

/** Some ways to fetch give no body that can be read before its end. */
function isEventStream(response: Response): response is Response & { readonly body: NonNullable<Response['body']> } {
  const type = response.headers.get('Content-Type') ?? '';
  return response.status === 200 && /^text\/event-stream\s*(;|$)/i.test(type) && response.body !== null;
}

/** Undefined for an event that is no job's state. */
function toJob({ type, data }: ServerSentEvent): Job | undefined {
  if (type !== 'message') return undefined;
  try {
    const state: unknown = JSON.parse(data);
    return isJob(state) ? state : undefined;
  } catch {
    return undefined;
  }
}
