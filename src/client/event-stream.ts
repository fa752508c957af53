/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** `message` unless the stream says otherwise. */
  readonly type: string;
  readonly data: string;
  /** To be sent as `Last-Event-ID` when the stream has to be opened again; empty where there is none. */
  readonly lastEventId: string;
  /** Milliseconds to wait before the stream is opened again, as far as the stream has said so. */
  readonly reconnectionTime: number | undefined;
}

/**
 * Reads an event stream piece by piece, by the algorithm of the WHATWG HTML standard, section 9.2.6 "Interpreting an event
 * stream": pieces may be cut anywhere, lines may end in CR, LF or both, and data may have many lines. An event that
 * the stream's end cuts off is dropped.
 * @returns takes the next piece of decoded text, without a byte order mark, and returns the events that are complete with it
 */
export function createEventStreamParser(): (piece: string) => ServerSentEvent[] {
  let rest = '';
  let afterCr = false;
  let reconnectionTime: number | undefined;
  let type = '';
  let data: string[] = [];
  let lastEventId = '';

  function readLine(line: string): ServerSentEvent | undefined {
    if (line === '') return dispatch();
    const colon = line.indexOf(':');
    // A line that begins with a colon is a comment: it has no name, and is ignored with the names that are not known.
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') type = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\u0000')) lastEventId = value;
    else if (field === 'retry' && /^\d+$/.test(value)) reconnectionTime = Number(value);
    return undefined;
  }

  function dispatch(): ServerSentEvent | undefined {
    const event = { type: type || 'message', data: data.join('\n'), lastEventId, reconnectionTime };
    const isEmpty = data.length === 0;
    type = '';
    data = [];
    return isEmpty ? undefined : event;
  }

  return (piece) => {
    if (piece === '') return [];
    // The CR that the last piece ended in was the first half of a CRLF.
    const text = afterCr && piece.startsWith('\n') ? piece.slice(1) : piece;
    afterCr = piece.endsWith('\r');
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    return lines.map(readLine).filter((event) => event !== undefined);
  };
}

/**
 * The events of a stream, until it ends.
 * @param onPiece is told of each piece that comes, also of one that holds no event
 * @throws what breaks the stream
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onPiece: () => void,
): AsyncGenerator<ServerSentEvent, void> {
  const reader = body.getReader();
  const parse = createEventStreamParser();
  // It leaves a byte order mark out.
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onPiece();
    yield* parse(decoder.decode(value, { stream: true }));
  }
}
