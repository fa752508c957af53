import { createConnection } from './connection.ts';
import { ProblemError } from './errors.ts';
import { readParts } from './event-stream.ts';
import { createBackoff, parseRetryAfter, sleep } from './retry.ts';
import { type Transport, isTransient } from './transport.ts';

export interface ReadLinesOptions<Line> {
  /**
   * The path of what is behind a line.
   * @param isLive whether the reply may go on with what comes later: false when a connection stayed silent, as behind a proxy that holds replies back
   */
  pathAfter(last: number, isLive: boolean): string;
  /** Lines come in the order of their places. */
  placeOf(line: Line): number;
  /** The place of the last line that the reader has. */
  readonly last: number;
  readonly signal: AbortSignal | undefined;
  readonly silenceSeconds: number;
}

/**
 * Yields the lines of a reply (JSON lines) as they arrive. A reply that breaks is requested again, and goes on behind the last line; so does one
 * with the status 202, to which there will be more.
 * @throws ProblemError; the error of `fetch`; the signal's reason
 */
export async function* readLines<Line>(
  transport: Transport,
  { pathAfter, placeOf, last, signal, silenceSeconds }: ReadLinesOptions<Line>,
): AsyncGenerator<Line, void> {
  const backoff = createBackoff({ retryForSeconds: transport.retryForSeconds, signal });
  let place = last;
  let isLive = true;
  for (;;) {
    const connection = createConnection(signal, silenceSeconds);
    try {
      const response = await transport.open(
        pathAfter(place, isLive),
        { Accept: 'application/jsonl' },
        connection.signal,
      );
      if (!response.ok || response.body === null) throw new ProblemError(response, await response.text());
      for await (const text of readParts(response.body, connection.markReceived, createLineParser())) {
        const line: Line = JSON.parse(text);
        if (placeOf(line) <= place) continue;
        place = placeOf(line);
        backoff.reset();
        yield line;
      }
      if (response.status !== 202) return;
      backoff.reset();
      await sleep((parseRetryAfter(response.headers) ?? 1) * 1000, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const refused = error instanceof ProblemError ? error : undefined;
      if (refused && !isTransient(refused.status)) throw error;
      isLive &&= connection.hasReceived() || !connection.hasTimedOut();
      connection.close();
      await backoff.wait(error, refused?.retryAfter);
    } finally {
      connection.close();
    }
  }
}

/** An empty line keeps a connection open. */
function createLineParser(): (chunk: string) => string[] {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    return lines.filter((line) => line !== '');
  };
}
