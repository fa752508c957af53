import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type LoadRequest, toBytes } from './connection.ts';

const OPEN_MS = 60_000;
const RETRY_MS = 500;
const BUSY = 'HTTP/1.1 503';
/** Characters of the stream that are kept. */
const KEPT = 4096;

/** A connection that receives a job's events. */
export interface Watcher {
  isOpen(): boolean;
  /** Resolves to the first of these texts that the stream contains, past data included. @throws Error when the connection closes */
  receive(...wanted: readonly string[]): Promise<string>;
  close(): void;
}

/** Resolves once the stream contains what the request expects. Retries while the server answers 503. */
export async function openWatcher(url: string, request: LoadRequest): Promise<Watcher> {
  const deadline = performance.now() + OPEN_MS;
  for (;;) {
    const watcher = connectWatcher(url, request);
    if ((await watcher.receive(request.contains, BUSY)) === request.contains) return watcher;
    watcher.close();
    if (performance.now() > deadline) throw new Error(`${url} still answers 503 after ${OPEN_MS} ms`);
    await delay(RETRY_MS);
  }
}

function connectWatcher(url: string, request: LoadRequest): Watcher {
  const { host, hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(toBytes(host, { ...request, headers: ['Accept: text/event-stream'] }));
  let text = '';
  let wanted: readonly string[] = [];
  let waiting: PromiseWithResolvers<string> | undefined;
  const check = (): void => {
    const found = wanted.find((candidate) => text.includes(candidate));
    if (found !== undefined) waiting?.resolve(found);
  };
  const fail = (): void => waiting?.reject(new Error(`a watcher's connection closed after: ${text}`));
  socket.setEncoding('utf8').on('data', (data: string) => {
    text = (text + data).slice(-KEPT);
    check();
  });
  socket.on('error', fail).on('end', fail).on('close', fail);
  return {
    isOpen: () => socket.readable && socket.writable,
    receive(...texts) {
      wanted = texts;
      waiting = Promise.withResolvers<string>();
      check();
      return waiting.promise;
    },
    close: () => void socket.destroy(),
  };
}
