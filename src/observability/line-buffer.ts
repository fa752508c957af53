import { type DestinationStream, levels, symbols } from 'pino';

/** Characters that are kept at most. */
const MAX_LENGTH = 65_536;
const WARN = Number(levels.values['warn']);

/**
 * Keeps the lines of one turn of the event loop and writes them together, as each write takes longer than it took to make the line. What
 * may be the last that a process says is written at once, behind what was kept: a warning or an error, and the lines of a child logger,
 * such as a job's function has, which may hold the thread from then on.
 */
export class LineBuffer implements DestinationStream {
  /** Has pino tell the level and the logger of each line before it writes it. */
  readonly [symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  lastLogger: unknown;
  /** The one logger whose lines may be kept. */
  keptLogger: unknown;
  readonly #stream: DestinationStream;
  #kept = '';

  constructor(stream: DestinationStream) {
    this.#stream = stream;
  }

  write(line: string): void {
    const first = this.#kept === '';
    this.#kept += line;
    if (this.lastLogger !== this.keptLogger || this.lastLevel >= WARN || this.#kept.length >= MAX_LENGTH) this.#flush();
    else if (first) {
      setImmediate(this.#flush);
      process.once('exit', this.#flush);
    }
  }

  readonly #flush = (): void => {
    process.off('exit', this.#flush);
    const lines = this.#kept;
    this.#kept = '';
    if (lines !== '') this.#stream.write(lines);
  };
}
