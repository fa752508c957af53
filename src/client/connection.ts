import { MAX_TIMER_MS } from './retry.ts';

/** The lifetime of one connection: what ends it, and whether it ever received data. */
export interface Connection {
  /** Aborted with the caller's signal, by the silence timeout, and by `close`. */
  readonly signal: AbortSignal;
  /** Records that data arrived, which restarts the silence timeout. */
  markReceived(): void;
  hasReceived(): boolean;
  /** Whether the silence timeout ended the connection. */
  hasTimedOut(): boolean;
  close(): void;
}

/** @param silenceSeconds seconds without data after which the connection counts as broken */
export function createConnection(outer: AbortSignal | undefined, silenceSeconds: number): Connection {
  const own = new AbortController();
  let received = false;
  let timedOut = false;
  const onSilence = (): void => {
    timedOut = true;
    own.abort(new Error(`The event stream was silent for ${silenceSeconds} s.`));
  };
  const silenceMs = Math.min(silenceSeconds * 1000, MAX_TIMER_MS);
  let timer = setTimeout(onSilence, silenceMs);
  return {
    signal: outer === undefined ? own.signal : AbortSignal.any([outer, own.signal]),
    markReceived() {
      received = true;
      clearTimeout(timer);
      timer = setTimeout(onSilence, silenceMs);
    },
    hasReceived: () => received,
    hasTimedOut: () => timedOut,
    close() {
      clearTimeout(timer);
      own.abort();
    },
  };
}
