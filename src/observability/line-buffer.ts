import { type DestinationStream, levels, symbols } from 'pino';

/** Milliseconds that a line is kept at most, while the thread is free. */
const KEPT_MS = 10;
/** Characters that are kept at most. */
const MAX_LENGTH = 65_536;
const WARN = Number(levels.values['warn']);

/**
 * Keeps lines for a moment and writes them together, as each write, which wakes who reads, takes longer than it took to make the line. What
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
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: DestinationStream) {
    this.#stream = stream;
  }

  write(line: string): void {
    const first = this.#kept === '';
    this.#kept += line;
    if (this.lastLogger !== this.keptLogger || this.lastLevel >= WARN || this.#kept.length >= MAX_LENGTH) this.#flush();
    else if (first) {
      this.#timer = setTimeout(this.#flush, KEPT_MS).unref();
      process.once('exit', this.#flush);
    }
  }

  readonly #flush = (): void => {
    clearTimeout(this.#timer);
    process.off('exit', this.#flush);
    const lines = this.#kept;
    this.#kept = '';
    if (lines !== '') this.#stream.write(lines);
  };
}
