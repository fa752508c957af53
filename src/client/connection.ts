import { MAX_TIMER_MS } from './retry.ts';

/** One connection, as its reader holds it. */
export interface Connection {
  /** Aborted when the caller's signal is, after a long silence, and when it is closed. */
  readonly signal: AbortSignal;
  /** To be told when something came. */
  heard(): void;
  wasHeard(): boolean;
  /** Whether silence was what broke it. */
  wasSilent(): boolean;
  close(): void;
}

/** @param silenceSeconds without a word of the server for so long, the connection counts as broken */
export function createConnection(outer: AbortSignal | undefined, silenceSeconds: number): Connection {
  const own = new AbortController();
  let heard = false;
  let silent = false;
  const onSilence = (): void => {
    silent = true;
    own.abort(new Error(`The event stream was silent for ${silenceSeconds} s.`));
  };
  const silenceMs = Math.min(silenceSeconds * 1000, MAX_TIMER_MS);
  let timer = setTimeout(onSilence, silenceMs);
  return {
    signal: outer === undefined ? own.signal : AbortSignal.any([outer, own.signal]),
    heard() {
      heard = true;
      clearTimeout(timer);
      timer = setTimeout(onSilence, silenceMs);
    },
    wasHeard: () => heard,
    wasSilent: () => silent,
    close() {
      clearTimeout(timer);
      own.abort();
    },
  };
}
