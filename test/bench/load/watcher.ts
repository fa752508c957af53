import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadRequest } from './load-spec.ts';
import { toBytes } from './request-bytes.ts';

const OPEN_MS = 60_000;
const ASK_AGAIN_MS = 500;
const BUSY = 'HTTP/1.1 503';
/** Characters that are kept of what came last. */
const KEPT = 4096;

/** A connection over which a job's events come, as long as the job is not done. */
export interface Watcher {
  isOpen(): boolean;
  /** Resolves to the text among these that comes first; what has come already counts. @throws Error if the connection is closed */
  hear(...wanted: readonly string[]): Promise<string>;
  close(): void;
}

/** Resolves when what the request expects has come. A server that is asked by too many at a time says 503, and is asked again. */
export async function openWatcher(url: string, request: LoadRequest): Promise<Watcher> {
  const deadline = performance.now() + OPEN_MS;
  for (;;) {
    const watcher = connectWatcher(url, request);
    if ((await watcher.hear(request.contains, BUSY)) === request.contains) return watcher;
    watcher.close();
    if (performance.now() > deadline) throw new Error(`${url} is too busy for one more watcher`);
    await delay(ASK_AGAIN_MS);
  }
}

function connectWatcher(url: string, request: LoadRequest): Watcher {
  const { host, hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(toBytes(host, request, ['Accept: text/event-stream']));
  let text = '';
  let wanted: readonly string[] = [];
  let waiting: PromiseWithResolvers<string> | undefined;
  const listen = (): void => {
    const heard = wanted.find((candidate) => text.includes(candidate));
    if (heard !== undefined) waiting?.resolve(heard);
  };
  const fail = (): void => waiting?.reject(new Error(`a watcher's connection was closed after: ${text}`));
  socket.setEncoding('utf8').on('data', (data: string) => {
    text = (text + data).slice(-KEPT);
    listen();
  });
  socket.on('error', fail).on('end', fail).on('close', fail);
  return {
    isOpen: () => socket.readable && socket.writable,
    hear(...texts) {
      wanted = texts;
      waiting = Promise.withResolvers<string>();
      listen();
      return waiting.promise;
    },
    close: () => void socket.destroy(),
  };
}
