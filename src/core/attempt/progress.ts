/** Writes of one job's progress that may come together. */
const BURST = 10;
/** Milliseconds between two writes after that. */
const INTERVAL_MS = 100;

export interface Progress {
  readonly percentComplete: number;
  readonly message: string | null;
}

/** Writes one attempt's progress, and no more of it than a store and its readers should be given. */
export interface ProgressWriter {
  /** Resolves when it is written, or at once when it is held back: then the latest that was told is written in a while. */
  tell(progress: Progress): Promise<void>;
  /** Writes what was held back. */
  end(): Promise<void>;
}

/** @param write one at a time; never rejects */
export function createProgressWriter(write: (progress: Progress) => Promise<void>): ProgressWriter {
  let held: Progress | undefined;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** When the writes that there were would have ended, had there been one for each interval. */
  let paidUntil = 0;
  let ended = false;

  const waitMs = (): number => Math.max(0, paidUntil - performance.now() - (BURST - 1) * INTERVAL_MS);

  function writeHeld(): Promise<void> | undefined {
    if (held === undefined) return undefined;
    const progress = held;
    held = undefined;
    paidUntil = Math.max(performance.now(), paidUntil) + INTERVAL_MS;
    writing = write(progress).finally(() => {
      writing = undefined;
      if (held !== undefined && !ended) schedule();
    });
    return writing;
  }

  function schedule(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (writing === undefined) void writeHeld();
    }, waitMs());
  }

  return {
    async tell(progress) {
      held = progress;
      if (writing !== undefined) return;
      if (waitMs() === 0) await writeHeld();
      else schedule();
    },
    async end() {
      ended = true;
      clearTimeout(timer);
      await writing;
      await writeHeld();
    },
  };
}
