import type { ServerResponse } from 'node:http';

const GONE = new Error('the client has gone');

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
