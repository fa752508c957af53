/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** `message` unless the stream sets another type. */
  readonly type: string;
  readonly data: string;
  /** The value of `Last-Event-ID` for a reconnection; empty if the stream has sent no id. */
  readonly lastEventId: string;
  /** Milliseconds to wait before a reconnection; undefined if the stream has not set it. */
  readonly reconnectionTime: number | undefined;
}

/**
 * Parses an event stream incrementally (WHATWG HTML, section 9.2.6, "Interpreting an event stream"). Chunks may be split anywhere,
 * lines may end in CR, LF or CRLF, and data may span many lines. An event that is incomplete at the end of the stream is dropped.
 * @returns a function that takes the next chunk of decoded text, without a byte order mark, and returns the events that it completes
 */
export function createEventStreamParser(): (chunk: string) => ServerSentEvent[] {
  let rest = '';
  let afterCr = false;
  let reconnectionTime: number | undefined;
  let type = '';
  let data: string[] = [];
  let lastEventId = '';

  function readLine(line: string): ServerSentEvent | undefined {
    if (line === '') return dispatch();
    const colon = line.indexOf(':');
    // A line that starts with a colon is a comment. Its field name is empty, and unknown names are ignored.
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

  return (chunk) => {
    if (chunk === '') return [];
    // A CR at the end of the previous chunk already ended the line; this LF belongs to it.
    const text = afterCr && chunk.startsWith('\n') ? chunk.slice(1) : chunk;
    afterCr = chunk.endsWith('\r');
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    return lines.map(readLine).filter((event) => event !== undefined);
  };
}

/** Yields the events of a stream until it ends. */
export function readEvents(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
): AsyncGenerator<ServerSentEvent, void> {
  return readParts(body, onChunk, createEventStreamParser());
}

/**
 * Yields the parts of a stream until it ends.
 * @param onChunk called for each chunk received, including those that complete no part, such as heartbeats
 * @param parse takes the next chunk of text, without a byte order mark, and returns the parts that it completes
 * @throws the error that breaks the stream
 */
export async function* readParts<Part>(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
  parse: (chunk: string) => readonly Part[],
): AsyncGenerator<Part, void> {
  const reader = body.getReader();
  // It removes a byte order mark.
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onChunk();
    yield* parse(decoder.decode(value, { stream: true }));
  }
}
