import { createConnection } from '../../../client/connection.ts';
import { readEvents } from '../../../client/event-stream.ts';
import { createBackoff } from '../../../client/retry.ts';
import { Failure, fromGraphQL, toFailure } from './failure.ts';
import type { Document, GraphQLResult, Server } from './server.ts';

/** Seconds without a byte after which a stream counts as broken; the server sends heartbeats. */
const SILENCE_SECONDS = 45;
/** Seconds after which a hidden page closes its stream: browsers open at most six HTTP/1.1 connections to a server. */
const HIDDEN_SECONDS = 20;
/** Codes that another attempt does not change. */
const FINAL: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'EXPIRED',
  'FORBIDDEN',
  'UNAUTHENTICATED',
  'BAD_USER_INPUT',
  'unauthenticated',
  'forbidden',
]);

export interface StreamObserver<Data> {
  onValue(data: Data): void;
  /** `true` each time a connection opens, before its first value: what was missed meanwhile has to be read. */
  onLive(live: boolean): void;
  /** The stream is over: completed, or refused with a Failure. */
  onEnd(failure?: Failure): void;
}

/** Follows a subscription, and reconnects for as long as the page is seen. Returns a function that ends it. */
export function follow<Data, Variables>(
  server: Server,
  document: Document<Data, Variables>,
  variables: Variables,
  { onValue, onLive, onEnd }: StreamObserver<Data>,
): () => void {
  const own = new AbortController();

  /** @throws what broke the connection */
  async function connect(signal: AbortSignal): Promise<'complete' | 'refused'> {
    const connection = createConnection(signal, SILENCE_SECONDS);
    try {
      const body = await server.open(document, variables, connection.signal);
      onLive(true);
      for await (const event of readEvents(body, connection.markReceived)) {
        if (event.type === 'complete') return 'complete';
        if (event.type !== 'next') continue;
        const { data, errors } = JSON.parse(event.data) as GraphQLResult<Data>;
        const [error] = errors ?? [];
        if (error !== undefined) throw fromGraphQL(error);
        if (data != null) onValue(data);
      }
      throw new Failure('', 'The stream ended.');
    } finally {
      connection.close();
    }
  }

  async function run(): Promise<void> {
    const backoff = createBackoff({ retryForSeconds: Infinity, signal: own.signal });
    for (;;) {
      const seen = whileSeen(own.signal);
      try {
        await seen.start;
        await connect(seen.signal);
        return onEnd();
      } catch (error) {
        if (own.signal.aborted) return;
        onLive(false);
        const failure = toFailure(error);
        if (FINAL.has(failure.code)) return onEnd(failure);
        if (seen.signal.aborted) continue;
        await backoff.wait(failure).catch(() => undefined);
        if (own.signal.aborted) return;
      } finally {
        seen.close();
      }
    }
  }

  void run();
  return () => own.abort();
}

/** Waits for the page to be seen, and aborts its signal when it has not been for a while. */
function whileSeen(outer: AbortSignal) {
  const controller = new AbortController();
  const signal = AbortSignal.any([outer, controller.signal]);
  const listeners = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = new Promise<void>((resolve) => {
    const check = (): void => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') resolve();
      else timer = setTimeout(() => controller.abort(), HIDDEN_SECONDS * 1000);
    };
    document.addEventListener('visibilitychange', check, { signal: listeners.signal });
    outer.addEventListener('abort', () => resolve(), { signal: listeners.signal });
    check();
  });
  return {
    start,
    signal,
    close() {
      clearTimeout(timer);
      listeners.abort();
    },
  };
}
