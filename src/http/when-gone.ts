import { once as onceEvent } from 'node:events';
import type { ServerResponse } from 'node:http';

const GONE = new Error('the client has gone');

/** A function that calls another one once, and remembers what came of it. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A signal that is aborted when a client closes its connection before the reply is sent. */
export function whenGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort(GONE);
  };
  if (response.destroyed) onClose();
  else response.once('close', onClose);
  return controller.signal;
}

/** Ends a connection in the middle of a reply, after what was written of it; resolves when it has ended. */
export async function breakOff(response: ServerResponse): Promise<void> {
  response.socket?.destroySoon();
  if (!response.closed) await onceEvent(response, 'close');
}
